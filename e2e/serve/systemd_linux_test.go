package serve

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// manager is what systemd is to a service: the socket that sd_notify(3) writes to.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func startManager(t *testing.T) *manager {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t, conn}
}

// env is what systemd sets for a service with WatchdogSec.
func (m *manager) env(watchdog time.Duration) []string {
	return []string{"NOTIFY_SOCKET=" + m.conn.LocalAddr().String(), "WATCHDOG_USEC=" + strconv.FormatInt(watchdog.Microseconds(), 10)}
}

// hears returns the next message, as lines. With words of the watchdog it is patient.
func (m *manager) hears(watchdog bool) []string {
	m.t.Helper()
	buf := make([]byte, 4096)
	for {
		if err := m.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			m.t.Fatal(err)
		}
		n, err := m.conn.Read(buf)
		if err != nil {
			m.t.Fatalf("systemd was not told: %v", err)
		}
		if lines := strings.Split(strings.TrimSpace(string(buf[:n])), "\n"); watchdog == slices.Contains(lines, "WATCHDOG=1") {
			return lines
		}
	}
}

func (m *manager) wants(word string) {
	m.t.Helper()
	if got := m.hears(false); !slices.Equal(got, []string{word}) {
		m.t.Fatalf("systemd was told %q, want %s", got, word)
	}
}

// monotonic is the clock that systemd compares with, in microseconds.
func monotonic(t *testing.T) int64 {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		t.Fatal(err)
	}
	return ts.Nano() / 1000
}

// wantsReload wants a reload, whatever comes of it, to begin after a moment and to end.
func (m *manager) wantsReload(since int64) {
	m.t.Helper()
	got := m.hears(false)
	at, ok := int64(0), false
	if len(got) == 2 && got[0] == "RELOADING=1" {
		var text string
		if text, ok = strings.CutPrefix(got[1], "MONOTONIC_USEC="); ok {
			n, err := strconv.ParseInt(text, 10, 64)
			at, ok = n, err == nil
		}
	}
	if now := monotonic(m.t); !ok || at < since || at > now {
		m.t.Errorf("systemd was told %q, want RELOADING=1 and MONOTONIC_USEC from %d to %d", got, since, now)
	}
	m.wants("READY=1")
}

// A service manager is told when it is ready, that it lives, when it reloads, also in vain, and when it ends.
func TestSystemdIsTold(t *testing.T) {
	t.Parallel()
	m := startManager(t)
	s := newSite(t, 1, "")
	s.add(s.fileSink("file"))
	r := s.serve(m.env(200 * time.Millisecond)...)
	m.wants("READY=1")
	m.hears(true)
	m.hears(true)
	since := monotonic(t)
	r.Signal(t, syscall.SIGHUP)
	m.wantsReload(since)
	s.add("[nonsense]\n")
	since = monotonic(t)
	r.Signal(t, syscall.SIGHUP)
	m.wantsReload(since)
	m.hears(true)
	r.Signal(t, syscall.SIGTERM)
	m.wants("STOPPING=1")
	if code := r.WaitExit(t, patience); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
