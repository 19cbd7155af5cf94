package serve

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/pushmail"
)

// patience is how long a test waits for what should come within a second or two: it bounds a failure, not a success.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e/serve: not run with -short")
		return
	}
	code := m.Run()
	if err := pushmail.Cleanup(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e/serve:", err)
		code = 1
	}
	os.Exit(code)
}
