package app

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/internal/tlsfiles"
)

func TestCertificatesAreSharedUntilTheyChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.pem")
	then := time.Now()
	// All have the same time and size: a file can be renewed without a change of either.
	write := func() {
		t.Helper()
		text := append(imaptest.NewServer(nil).CertPEM(), bytes.Repeat([]byte("\n"), 4096)...)[:4096]
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	write()
	var c certs
	f := tlsfiles.Files{CA: path}
	first, err := c.load(f)
	again, err2 := c.load(f)
	if err != nil || err2 != nil || first == nil || first != again {
		t.Fatalf("%p, %p; %v, %v", first, again, err, err2)
	}
	write()
	if other, err := c.load(f); err != nil || other == first {
		t.Errorf("after a change: %p, the same as before: %v; %v", other, other == first, err)
	}
	if none, err := c.load(tlsfiles.Files{}); none != nil || err != nil {
		t.Errorf("without files: %v, %v", none, err)
	}
	if _, err := c.load(tlsfiles.Files{CA: path + "x"}); err == nil {
		t.Error("a file that is not there is no error")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := c.load(f); err == nil {
		t.Error("a file that is not there any more is no error")
	}
}
