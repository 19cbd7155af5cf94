package config

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Ten thousand accounts that differ in name, server and password have the rest of their settings in common.
func TestAccountsShareWhatIsEqual(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pushmail.toml")
	text := "[defaults]\nheaders = [\"List-Id\"]\n"
	for i, more := range []string{"", "", "preview = true", "preview = true", "headers = []", ""} {
		text += fmt.Sprintf("[[account]]\nname = \"%d\"\nurl = \"imaps://jo@mail.example.org\"\npassword = \"file:/%d\"\n%s\n", i, i, more)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, problems := Load(path, Options{ForOthers: true})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	a := c.Accounts
	if a[0].Common != a[1].Common || a[2].Common != a[3].Common {
		t.Error("equal settings are there twice")
	}
	if a[1].Common == a[2].Common || a[3].Common == a[4].Common || a[4].Common == a[5].Common || a[1].Preview || !a[2].Preview || len(a[4].Headers) > 0 || len(a[5].Headers) != 1 {
		t.Errorf("settings are mixed up: %+v", a)
	}
	if a[0].Common == c.Defaults.Common || len(c.Defaults.Mailboxes) > 0 {
		t.Error("what an account adds is in the defaults")
	}
}
