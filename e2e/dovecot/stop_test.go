package dovecot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
)

func TestStopSaysGoodbye(t *testing.T) {
	t.Parallel()
	s := dovecot.Start(t, dovecot.Options{})
	session := login(t, s, "jo")
	check(t, session.Select("INBOX"))
	before := time.Now()
	check(t, s.Stop())
	if took := time.Since(before); took > 5*time.Second {
		t.Errorf("Stop took %v", took)
	}
	if lines, err := session.Do("NOOP"); err == nil || !strings.Contains(strings.Join(lines, "\n"), "BYE") {
		t.Errorf("the session was told %q, error %v; want BYE", lines, err)
	}
}
