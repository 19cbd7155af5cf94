package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/internal/tlsfiles"
)

func TestCertificatesAreReadOnceUntilTheyChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.pem")
	write := func(at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, imaptest.NewServer(nil).CertPEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	write(now)
	var c certs
	f := tlsfiles.Files{CA: path}
	first, err := c.load(f)
	again, err2 := c.load(f)
	if err != nil || err2 != nil || first == nil || first != again {
		t.Fatalf("%p, %p; %v, %v", first, again, err, err2)
	}
	write(now.Add(time.Second))
	if other, err := c.load(f); err != nil || other == first {
		t.Errorf("after a change: %p, the same as before: %v; %v", other, other == first, err)
	}
	if none, err := c.load(tlsfiles.Files{}); none != nil || err != nil {
		t.Errorf("without files: %v, %v", none, err)
	}
	if _, err := c.load(tlsfiles.Files{CA: path + "x"}); err == nil {
		t.Error("a file that is not there is no error")
	}
}
