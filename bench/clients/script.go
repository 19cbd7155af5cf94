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

// Clients in other languages are programs that do as the ones here do: program HOST PORT, and a Result in JSON on stdout. One
// that cannot do its work since something is not installed says so in "skipped".
//
//go:embed programs
var scripts embed.FS

// script runs one of the programs.
func script(name string) func(context.Context, string, recording.Totals) (*Result, error) {
	return func(ctx context.Context, addr string, _ recording.Totals) (*Result, error) {
		text, err := scripts.ReadFile("programs/" + name)
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
		args, skipped := runners[filepath.Ext(name)](ctx, path)
		if skipped != "" {
			return &Result{Skipped: skipped}, nil
		}
		host, port, _ := strings.Cut(addr, ":")
		var out, talk bytes.Buffer
		cmd := exec.CommandContext(ctx, args[0], append(args[1:], host, port)...)
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

// runners say how to run a program, by the end of its name, or why that is not possible.
var runners = map[string]func(ctx context.Context, path string) (args []string, skipped string){
	".py":   interpreted("python3"),
	".mjs":  interpreted("node"),
	".c":    compiled,
	".java": java,
}

func interpreted(by string) func(context.Context, string) ([]string, string) {
	return func(_ context.Context, path string) ([]string, string) {
		if _, err := exec.LookPath(by); err != nil {
			return nil, by + " is not installed"
		}
		return []string{by, path}, ""
	}
}

// compiled compiles a program that needs libetpan. Where that is in no usual place, CPATH and LIBRARY_PATH say where.
func compiled(ctx context.Context, path string) (args []string, skipped string) {
	program := strings.TrimSuffix(path, ".c")
	out, err := exec.CommandContext(ctx, "cc", "-O2", "-o", program, path, "-letpan").CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, "cc is not installed"
	case err != nil:
		line, _, _ := bytes.Cut(out, []byte("\n"))
		return nil, "libetpan is not installed (Debian: libetpan-dev), or another one: " + string(line)
	}
	return []string{program}, ""
}

// java runs a program that needs JavaMail, of which CLASSPATH says where it is if that is not where Debian has it.
func java(_ context.Context, path string) (args []string, skipped string) {
	if _, err := exec.LookPath("java"); err != nil {
		return nil, "java is not installed"
	}
	classes := os.Getenv("CLASSPATH")
	if classes == "" {
		const mail, activation = "/usr/share/java/javax.mail.jar", "/usr/share/java/javax.activation.jar"
		if _, err := os.Stat(mail); err != nil {
			return nil, "JavaMail is not installed (Debian: libmail-java)"
		}
		classes = mail + string(os.PathListSeparator) + activation
	}
	return []string{"java", "-cp", classes, path}, ""
}
