package clients

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pushmail/pushmail/bench/recording"
)

// Clients in other languages are scripts that do as the ones here do: script HOST PORT, and a Result in JSON on stdout. One
// that cannot do its work since something is not installed says so in "skipped".
//
//go:embed fetch_imaplib.py fetch_imapflow.mjs
var scripts embed.FS

var interpreters = map[string]string{".py": "python3", ".mjs": "node"}

// script runs one of the scripts.
func script(name string) func(context.Context, string, recording.Totals) (*Result, error) {
	return func(ctx context.Context, addr string, _ recording.Totals) (*Result, error) {
		interpreter := interpreters[filepath.Ext(name)]
		if _, err := exec.LookPath(interpreter); err != nil {
			return &Result{Skipped: interpreter + " is not installed"}, nil
		}
		text, err := scripts.ReadFile(name)
		if err != nil {
			return nil, err
		}
		dir, err := os.MkdirTemp("", "pushmail-bench")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, err
		}
		host, port, _ := strings.Cut(addr, ":")
		var out, talk bytes.Buffer
		cmd := exec.CommandContext(ctx, interpreter, path, host, port)
		cmd.Stdout, cmd.Stderr = &out, &talk
		if err := cmd.Run(); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", name, err), errors.New(strings.TrimSpace(talk.String())))
		}
		var r Result
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s said %q: %w", name, out.String(), err)
		}
		return &r, nil
	}
}
