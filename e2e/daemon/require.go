package daemon

import (
	"os"
	"path/filepath"
	"testing"
)

// Require ends the test when programs are missing on this machine: it skips and says how to install them, and fails when CI=true,
// where a missing server would mean that nothing was tested. With -short it always skips.
func Require(t testing.TB, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short: needs a real server")
	}
	missing := Missing(programs...)
	if len(missing) == 0 {
		return
	}
	const hint = "to run this test: make servers (on Debian 12; it says what it needs)"
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing %v; %s", missing, hint)
	}
	t.Skipf("SKIPPED, NOTHING TESTED: missing %v; %s", missing, hint)
}

// Missing returns those programs that are not there.
func Missing(programs ...string) []string {
	var missing []string
	for _, program := range programs {
		if info, err := os.Stat(program); err != nil || info.IsDir() {
			missing = append(missing, program)
		}
	}
	return missing
}

// Unpacked returns where e2e/install-servers has unpacked a server's Debian packages: outside of the repository, and
// where root's children, who run as nobody, can read it.
func Unpacked(server string) string {
	base := os.Getenv("PUSHMAIL_E2E_SERVERS")
	switch cache, err := os.UserCacheDir(); {
	case base != "":
	case os.Geteuid() == 0 || err != nil:
		base = "/var/cache/pushmail-e2e"
	default:
		base = filepath.Join(cache, "pushmail-e2e")
	}
	return filepath.Join(base, server)
}
