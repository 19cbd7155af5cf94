package config

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the messages that come into testdata")

var environment = map[string]string{
	"MAIL_PASSWORD": "hunter2", "API_TOKEN": "hunter2", "REFRESH": "hunter2", "WHSEC": "whsec_aHVudGVyMg==", "WHSEC_OLD": "whsec_aHVudGVyMg==",
}

func testOptions() Options {
	return Options{
		Getenv: func(name string) string { return environment[name] },
		Compile: func(text string) error {
			if strings.HasSuffix(text, "> ") {
				return offsetError{errors.New("something is missing after >"), len(text)}
			}
			return nil
		},
	}
}

type offsetError struct {
	error
	offset int
}

func (e offsetError) Offset() int { return e.offset }

// copyDir copies testdata to where its files can be closed to others.
func copyDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := fs.WalkDir(os.DirFS("testdata"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "fuzz" {
			return errors.Join(err, fs.SkipDir)
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(dir, name), 0o700)
		}
		text, err := os.ReadFile(filepath.Join("testdata", name))
		return errors.Join(err, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// Each testdata/NAME.toml has what is said of it in NAME.txt.
func TestMessages(t *testing.T) {
	dir := copyDir(t)
	files, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		cfg, problems := Load(filepath.Join(dir, filepath.Base(file)), testOptions())
		var b strings.Builder
		for _, p := range problems {
			b.WriteString(strings.ReplaceAll(p.String(), dir+"/", "") + "\n")
		}
		got := b.String()
		if (cfg == nil) != (problems.Err() != nil) {
			t.Errorf("%s: configuration %v with error %v", file, cfg != nil, problems.Err())
		}
		if strings.Contains(got, "hunter2") {
			t.Errorf("%s: a secret is shown:\n%s", file, got)
		}
		golden := strings.TrimSuffix(file, ".toml") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
		}
	}
}
