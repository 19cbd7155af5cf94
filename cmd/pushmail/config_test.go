package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInitWritesWhatCheckAccepts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "pushmail.toml")
	if code, out, errs := runHere(t, "init", dir); code != exitOK || !strings.Contains(out, "wrote "+file) || errs != "" {
		t.Fatalf("init: %d, %q, %q", code, out, errs)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, name := range []string{dir, file} {
		if code, out, errs := runHere(t, "config", "check", name); code != exitOK || out != "ok: 0 accounts, 1 sink\n" || errs != "" {
			t.Errorf("check %s: %d, %q, %q", name, code, out, errs)
		}
	}
	if code, out, _ := runHere(t, "config", "show", file); code != exitOK || !strings.Contains(out, `retain = "30d"`) {
		t.Errorf("show: %d, %q", code, out)
	}
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := runHere(t, "init", dir); code != exitUsage || !strings.Contains(errs, "left as it is") {
		t.Errorf("init again: %d, %q", code, errs)
	}
	if text, err := os.ReadFile(file); string(text) != "mine" || err != nil {
		t.Errorf("init wrote over it: %q, %v", text, err)
	}
}

func TestConfigCheckSaysAll(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(file, []byte("stat = \"x\"\n[journal]\nretain = \"1 month\"\n[[sink]]\ntype = \"stdout\"\n\x1b"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := runHere(t, "config", "check", file)
	if code != exitOther || strings.Contains(out, "\x1b") || !strings.Contains(out, file+":6:1") {
		t.Errorf("not TOML: %d, %q, %q", code, out, errs)
	}
	if err := os.WriteFile(file, []byte("stat = \"x\"\n[journal]\nretain = \"1 month\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = runHere(t, "config", "check", file)
	for _, want := range []string{file + ":1:1: stat: there is no such key", "did you mean state?", file + ":3:10: journal.retain", `"30d"`} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in %q", want, out)
		}
	}
	if code != exitOther || !strings.Contains(errs, "2 errors in the configuration") {
		t.Errorf("%d, %q", code, errs)
	}
	code, out, errs = runHere(t, "config", "show", file)
	if code != exitOther || out != "" || !strings.Contains(errs, "did you mean state?") {
		t.Errorf("show: %d, %q, %q", code, out, errs)
	}
	if code, out, _ = runHere(t, "config", "check", file+"x"); code != exitOther || !strings.Contains(out, "pushmail init") {
		t.Errorf("no file: %d, %q", code, out)
	}
}

// The commands that look at a daemon are told its configuration as "pushmail serve" is.
func TestConfigurationIsAnArgument(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pushmail.toml")
	if err := os.WriteFile(file, []byte("state = \"state\"\n\n[api]\nlisten = \"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"status", "events"} {
		code, _, errs := runHere(t, command, filepath.Dir(file))
		if code == exitUsage || !strings.Contains(errs, filepath.Dir(file)) {
			t.Errorf("pushmail %s DIRECTORY: exit code %d, %s: it has not looked there", command, code, errs)
		}
		if code, _, errs = runHere(t, command, file, "--config", file); code != exitUsage || !strings.Contains(errs, "named twice") {
			t.Errorf("pushmail %s FILE --config FILE: exit code %d, %s", command, code, errs)
		}
		if code, _, _ = runHere(t, command, file, file); code != exitUsage {
			t.Errorf("pushmail %s FILE FILE: exit code %d", command, code)
		}
	}
}
