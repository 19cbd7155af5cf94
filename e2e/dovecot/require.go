package dovecot

import (
	"os"
	"os/exec"
	"testing"
)

// Require ends the test when this machine has no Dovecot: it skips with the line that installs it, and fails when CI=true,
// where a missing server would mean that nothing was tested. With -short it always skips.
func Require(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short: needs a real server")
	}
	missing := missingPrograms()
	if len(missing) == 0 {
		return
	}
	const hint = "to run this test: sudo apt-get install -y --no-install-recommends dovecot-imapd dovecot-lmtpd"
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing %v; %s", missing, hint)
	}
	t.Skipf("SKIPPED, NOTHING TESTED: missing %v; %s", missing, hint)
}

func missingPrograms() []string {
	var missing []string
	for _, program := range []string{"/usr/sbin/dovecot", "/usr/bin/doveadm", "/usr/lib/dovecot/imap", "/usr/lib/dovecot/lmtp"} {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	return missing
}
