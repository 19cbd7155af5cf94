package config

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever a file has: no panic, places that are in it, a configuration exactly if there is no error, and one that can be shown.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add(Starter)
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "include") {
			return // of files that are there
		}
		l := newLoader("/nonexistent/x.toml", testOptions())
		if l.root = l.parseText(&source{name: "x.toml"}, text); l.root != nil {
			l.decodeRoot()
			l.check()
		}
		problems := l.problems()
		lines := bytes.Split(text, []byte("\n"))
		for _, p := range problems {
			if p.Place.Line < 1 || p.Place.Line > len(lines) || p.Place.Column < 1 || p.Place.Column > utf8.RuneCount(lines[p.Place.Line-1])+1 || p.Message == "" {
				t.Errorf("%+v is not in the file", p)
			}
		}
		if l.root != nil && problems.Err() == nil {
			if err := Show(io.Discard, l.cfg); err != nil {
				t.Error(err)
			}
		}
	})
}

// No message shows a password, wherever in the file an error is put.
func TestNoMessageShowsASecret(t *testing.T) {
	const text = "[api]\ntokens = [{ name = \"a\", token = \"hunter2\", scopes = [\"read\"] }]\n[[account]]\nurl = \"imaps://jo@x.example\"\npassword = \"hunter2\"\n" +
		"[account.oauth]\nclient_secret = \"\"\"\nhunter2\nhunter2\"\"\"\nrefresh_token = \"hunter2\"\n[[sink]]\ntype = \"webhook\"\nsecret = [\"hunter2\",\n\"hunter2\"]\nurl = \"https://jo:hunter2@x.example\"\n"
	for i := range len(text) {
		for _, with := range []string{text[:i], text[:i] + text[i+1:], text[:i] + "\"" + text[i:], text[:i] + "\n" + text[i:], text[:i] + "=" + text[i:], text[:i] + "x" + text[i:]} {
			if strings.Count(with, "hunter2") == 0 {
				continue
			}
			l := newLoader("/nonexistent/x.toml", testOptions())
			if l.root = l.parseText(&source{name: "x.toml"}, []byte(with)); l.root != nil {
				l.decodeRoot()
				l.check()
			}
			for _, p := range l.problems() {
				if strings.Contains(p.String(), "hunter") {
					t.Errorf("%s\nof\n%s", p, with)
					return
				}
			}
		}
	}
}
