package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestManualPagesAndCompletionsAreWritten(t *testing.T) {
	t.Parallel()
	dirs := [2]string{t.TempDir(), t.TempDir()}
	for _, dir := range dirs {
		if code, _, errs := runHere(t, "man", dir); code != exitOK || errs != "" {
			t.Fatalf("exit code %d, said %q", code, errs)
		}
	}
	for path, want := range map[string]string{
		"man/man1/pushmail.1":                     "pushmail watch imaps://",
		"man/man1/pushmail-watch.1":               "password",
		"bash-completion/completions/pushmail":    "complete",
		"zsh/site-functions/_pushmail":            "#compdef pushmail",
		"fish/vendor_completions.d/pushmail.fish": "complete -c pushmail",
	} {
		text, err := os.ReadFile(filepath.Join(dirs[0], path))
		again, _ := os.ReadFile(filepath.Join(dirs[1], path))
		if err != nil || !strings.Contains(strings.ReplaceAll(string(text), `\`, ""), want) || !bytes.Equal(text, again) {
			t.Errorf("%s: %v; has %q: %v; the same again: %v", path, err, want, strings.Contains(string(text), want), bytes.Equal(text, again))
		}
	}
	if code, _, errs := runHere(t, "man"); code != exitUsage || !strings.Contains(errs, "which directory?") {
		t.Errorf("without a directory: exit code %d, said %q", code, errs)
	}
}
