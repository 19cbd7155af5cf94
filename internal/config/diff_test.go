package config

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

const before = `[[account]]
name = "jo"
url = "imaps://jo@mail.example.org"
password = "literal:hunter2"
pin = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
[[account]]
name = "al"
url = "imaps://al@mail.example.org"
password = "env:MAIL_PASSWORD"
[[sink]]
name = "out"
type = "stdout"
[[route]]
to = ["out"]
`

func TestDiff(t *testing.T) {
	for _, test := range []struct {
		name, old, new string // replaced in before
		want           Change
	}{
		{"nothing", "", "", Change{}},
		{"lines above", "[[account]]\nname = \"jo\"", "# new\n\n[[account]]\nname = \"jo\"", Change{}},
		{"password in clear", "hunter2", "hunter3", Change{AccountsChanged: []string{"jo"}}},
		{"password elsewhere", "env:MAIL_PASSWORD", "env:API_TOKEN", Change{AccountsChanged: []string{"al"}}},
		{"host", "al@mail", "al@imap", Change{AccountsChanged: []string{"al"}}},
		{"pin", "/AAAA", "/AAAB", Change{AccountsChanged: []string{"jo"}}},
		{"name", `"al"`, `"bo"`, Change{AccountsAdded: []string{"bo"}, AccountsRemoved: []string{"al"}}},
		{"sink", `type = "stdout"`, "type = \"file\"\npath = \"x\"", Change{SinksChanged: []string{"out"}}},
		{"route", `to = ["out"]`, "to = [\"out\"]\nwhere = \"true\"", Change{Routes: true}},
		{"defaults", "[[account]]\nname = \"jo\"", "[defaults]\npreview = true\n[[account]]\nname = \"jo\"", Change{AccountsChanged: []string{"jo", "al"}, Other: []string{"defaults"}}},
		{"journal", "[[account]]\nname = \"jo\"", "[journal]\nretain = \"1d\"\n[[account]]\nname = \"jo\"", Change{Other: []string{"journal"}}},
	} {
		dir := t.TempDir()
		var both []*Config
		for _, text := range []string{before, strings.Replace(before, test.old, test.new, 1)} {
			file := filepath.Join(dir, FileName)
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, problems := Load(file, testOptions())
			if c == nil {
				t.Fatal(test.name, problems)
			}
			both = append(both, c)
		}
		if got := Diff(both[0], both[1]); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// Files with secrets that others can read are warned of, once each, and nothing else is.
func TestOpenFilesAreWarnedOf(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are elsewhere")
	}
	dir := t.TempDir()
	file, password := filepath.Join(dir, FileName), filepath.Join(dir, "password")
	text := strings.Replace(before, "env:MAIL_PASSWORD", "file:password", 1)
	for _, test := range []struct {
		config, password os.FileMode
		want             []string
	}{
		{0o600, 0o600, nil},
		{0o644, 0o600, []string{"chmod 600 " + file}},
		{0o600, 0o640, []string{"chmod 600 " + password}},
	} {
		for name, mode := range map[string]os.FileMode{file: test.config, password: test.password} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(name, mode); err != nil {
				t.Fatal(err)
			}
		}
		_, problems := Load(file, testOptions())
		var hints []string
		for _, p := range problems {
			if strings.HasPrefix(p.Hint, "chmod") && p.Warning {
				hints = append(hints, p.Hint)
			}
		}
		if !reflect.DeepEqual(hints, test.want) {
			t.Errorf("%o, %o: %q, want %q", test.config, test.password, hints, test.want)
		}
	}
}

// What an account says of logging in or of mailboxes replaces all that the defaults say of it.
func TestAccountsReplaceDefaults(t *testing.T) {
	c, problems := load(t, `[defaults]
password = "env:MAIL_PASSWORD"
all_mailboxes = true
preview = true
[[account]]
url = "imaps://jo@mail.example.org"
[[account]]
url = "imaps://al@mail.example.org"
token = "env:API_TOKEN"
mailboxes = "INBOX"
preview = false
`)
	if c == nil {
		t.Fatal(problems)
	}
	jo, al := c.Accounts[0], c.Accounts[1]
	if jo.Password.IsZero() || !jo.AllMailboxes || jo.Mailboxes != nil || !jo.Preview {
		t.Errorf("%+v", jo)
	}
	if !al.Password.IsZero() || al.Token.IsZero() || al.AllMailboxes || !reflect.DeepEqual(al.Mailboxes, []string{"INBOX"}) || al.Preview {
		t.Errorf("%+v", al)
	}
}
