package tlsfiles_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/internal/tlsfiles"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	ca := path("ca.pem", string(imaptest.NewServer(nil).CertPEM()))
	text := path("text", "hello")
	for _, test := range []struct {
		name   string
		f      tlsfiles.Files
		which  string
		reason string
	}{
		{"an authority", tlsfiles.Files{CA: ca}, "", ""},
		{"no such file", tlsfiles.Files{CA: ca + "x"}, tlsfiles.CA, "no such file"},
		{"no PEM", tlsfiles.Files{CA: text}, tlsfiles.CA, "no certificate in PEM format"},
		{"a certificate without a key", tlsfiles.Files{Cert: ca}, tlsfiles.Cert, "private key"},
		{"a key without a certificate", tlsfiles.Files{Key: ca}, tlsfiles.Cert, "without its certificate"},
	} {
		cfg, err := tlsfiles.Load(test.f)
		var wrong *tlsfiles.Error
		switch {
		case test.which == "" && (err != nil || cfg == nil || cfg.RootCAs == nil):
			t.Errorf("%s: %v, %v", test.name, cfg, err)
		case test.which != "" && (!errors.As(err, &wrong) || wrong.Which != test.which || !strings.Contains(err.Error(), test.reason)):
			t.Errorf("%s: %v, want one about %s with %q", test.name, err, test.which, test.reason)
		}
	}
	if cfg, err := tlsfiles.Load(tlsfiles.Files{}); cfg != nil || err != nil {
		t.Errorf("nothing named: %v, %v", cfg, err)
	}
}
