package dovecot

import (
	"testing"

	"github.com/pushmail/pushmail/e2e/daemon"
)

// Require ends the test when this machine has no Dovecot: see daemon.Require.
func Require(t testing.TB) {
	t.Helper()
	daemon.Require(t, "/usr/sbin/dovecot", "/usr/bin/doveadm", "/usr/lib/dovecot/imap", "/usr/lib/dovecot/lmtp")
}
