package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func load(t *testing.T, text string) (*Config, Problems) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pushmail.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(file, testOptions())
}

// What is shown says everything: read again, it is the same configuration.
func TestShowCanBeReadAgain(t *testing.T) {
	text, err := os.ReadFile("testdata/good.toml")
	if err != nil {
		t.Fatal(err)
	}
	first, problems := load(t, string(text))
	if first == nil {
		t.Fatal(problems)
	}
	var shown bytes.Buffer
	if err := Show(&shown, first); err != nil {
		t.Fatal(err)
	}
	second, problems := load(t, shown.String())
	if second == nil {
		t.Fatalf("%v\n%s", problems, shown.String())
	}
	if change := Diff(first, second); !reflect.DeepEqual(change, Change{Other: []string{"defaults"}}) {
		t.Errorf("%+v\n%s", change, shown.String())
	}
}

func TestShowHasNoSecret(t *testing.T) {
	c, problems := load(t, `
[[account]]
url = "imaps://jo@mail.example.org"
password = "hunter2"
[[account]]
name = "other"
url = "imaps://jo@mail.example.org"
password = "https://127.0.0.1/?key=hunter2"
[[account]]
name = "third"
url = "imaps://jo@mail.example.org"
password = 'command:["sh", "-c", "echo hunter2"]'
`)
	if c == nil {
		t.Fatal(problems)
	}
	var shown bytes.Buffer
	if err := Show(&shown, c); err != nil || strings.Contains(shown.String(), "hunter2") || !strings.Contains(shown.String(), "literal:***") {
		t.Errorf("%v\n%s", err, shown.String())
	}
}

func TestStarterIsFine(t *testing.T) {
	c, problems := load(t, string(Starter))
	if c == nil || len(problems) > 0 || len(c.Sinks) != 1 {
		t.Fatal(problems)
	}
}

// The examples of the starter hold, too, when their "#" are removed.
func TestStarterExamplesAreFine(t *testing.T) {
	var b strings.Builder
	for line := range strings.SplitSeq(string(Starter), "\n") {
		if strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "#tokens") {
			line = line[1:]
		}
		b.WriteString(line + "\n")
	}
	environment["REFRESH_TOKEN"], environment["WEBHOOK_SECRET"] = "hunter2", "whsec_aHVudGVyMg=="
	text := strings.ReplaceAll(b.String(), "#   env:", "# env:")
	c, problems := load(t, text)
	if c == nil || len(problems) > 0 || len(c.Accounts) != 2 || len(c.Sinks) != 3 || len(c.Routes) != 2 || !c.Accounts[0].Preview {
		t.Fatal(problems)
	}
}
