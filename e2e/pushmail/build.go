// Package pushmail builds and runs the real program for tests and reads what it says, as its users do.
package pushmail

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// build makes the binary once per test binary; its directory is removed by Cleanup.
var build = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("PUSHMAIL_BIN"); path != "" {
		return path, nil // somebody wants a certain build tested
	}
	dir, err := os.MkdirTemp("", "pushmail-e2e")
	if err != nil {
		return "", err
	}
	buildDir = dir
	path := filepath.Join(dir, "pushmail")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "github.com/pushmail/pushmail/cmd/pushmail")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.Join(fmt.Errorf("go build ./cmd/pushmail: %w\n%s", err, out), os.RemoveAll(dir))
	}
	return path, nil
})

var buildDir string // written by build, read by Cleanup after all tests

// Binary returns the path of the built program. The environment variable PUSHMAIL_BIN names another one to test.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Cleanup removes what Binary built. For TestMain.
func Cleanup() error {
	if buildDir == "" {
		return nil
	}
	return os.RemoveAll(buildDir)
}
