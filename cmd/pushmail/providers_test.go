package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// providersFile writes a file for --providers.
func providersFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "providers.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestProvidersFileWithASlipIsExplained(t *testing.T) {
	t.Parallel()
	name := providersFile(t, "[\n {\"id\": \"gmail\",\n  \"conections\": 3}]")
	code, _, errs := runHere(t, "watch", "--providers", name, "imaps://jo:x@mail.invalid/INBOX")
	if code != exitUsage || !strings.Contains(errs, name) || !strings.Contains(errs, "line 3") || !strings.Contains(errs, `did you mean "connections"?`) {
		t.Errorf("code %d: %s", code, errs)
	}
}

// What a file says of a server is what the watcher goes by; a login by token has sessions as short as they are then.
func TestProvidersFileIsGoneBy(t *testing.T) {
	t.Parallel()
	name := providersFile(t, `[{"id": "ours", "hosts": ["mail.invalid"], "connections": 8, "mask": ["IDLE"], "session_life": "10h", "token_session": "30m"}]`)
	for _, tt := range []struct {
		args []string
		life time.Duration
	}{
		{nil, 0},
		{[]string{"--oauth"}, 30 * time.Minute},
		{[]string{"--token-command", "true"}, 30 * time.Minute},
	} {
		f := &watchFlags{}
		fs := pflag.NewFlagSet("watch", pflag.ContinueOnError)
		f.conn.register(fs)
		if err := fs.Parse(append([]string{"--providers", name}, tt.args...)); err != nil {
			t.Fatal(err)
		}
		url := "imaps://jo:x@mail.invalid/INBOX"
		if f.conn.tokenCommand != "" {
			url = "imaps://jo@mail.invalid/INBOX"
		}
		c, err := f.conn.resolve(&app{stdio: stdio{in: strings.NewReader(""), out: newScreen(), err: newScreen()}}, url)
		if err != nil {
			t.Fatal(err)
		}
		o := f.options(c)
		if p := o.Providers.Lookup("mail.invalid", nil, nil); p == nil || p.ID != "ours" || p.Budget() != 4 || p.SessionLife != 10*time.Hour {
			t.Errorf("%v: %+v", tt.args, p)
		}
		if o.SessionLife != tt.life {
			t.Errorf("%v: sessions last %v, want %v", tt.args, o.SessionLife, tt.life)
		}
	}
}
