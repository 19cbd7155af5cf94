package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/pushmail"
)

// TestReadme runs the second example of the README as it is written there: the demo for the daemon, and the daemon. The ports are those of
// the README, so it fails if somebody else has them.
func TestReadme(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	demo := pushmail.Start(t, pushmail.Options{Args: []string{"demo", "--daemon", dir, "--for", "12s", "--every", "300ms"}, Text: true})
	config := filepath.Join(dir, "pushmail.toml")
	eventually(t, demo, func() string {
		if _, err := os.Stat(config); err != nil {
			return err.Error()
		}
		return ""
	})
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```toml\n"+string(text)+"```") {
		t.Errorf("the README does not show the configuration that the demo writes:\n%s", text)
	}
	daemon := pushmail.Start(t, pushmail.Options{Args: []string{"serve", dir}, Text: true})
	eventually(t, daemon, func() string {
		if err := ask("http://127.0.0.1:8025/readyz", nil); err != nil {
			return err.Error()
		}
		return ""
	})
	if code := demo.WaitExit(t, patience); code != 0 || !strings.Contains(demo.Stderr(), "each exactly once") {
		t.Errorf("the demo ended with %d: %s", code, demo.Stderr())
	}
	var status struct{ Accounts map[string]int }
	if err := ask("http://127.0.0.1:8025/v1/status", &status); err != nil || len(status.Accounts) != 1 {
		t.Errorf("status %v: %v", status, err)
	}
	daemon.Stop(t)
}

// ask gets JSON from the API.
func ask(url string, into any) error {
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(into)
}
