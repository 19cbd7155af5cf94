package serve

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pushmail/pushmail/e2e/pushmail"
)

// limitFiles says how big files may become that the daemon writes: a disk of its own that is full, and needs no root. A limit
// of 0 is none.
func limitFiles(t *testing.T, r *pushmail.Run, bytes uint64) {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Prlimit(r.PID(), unix.RLIMIT_FSIZE, nil, &was); err != nil {
		t.Skipf("SKIPPED, NOTHING TESTED: prlimit: %v", err)
	}
	next := was
	if next.Cur = bytes; bytes == 0 {
		next.Cur = was.Max
	}
	if err := unix.Prlimit(r.PID(), unix.RLIMIT_FSIZE, &next, nil); err != nil {
		t.Fatal(err)
	}
}

// smallDisk mounts a file system in memory where the state directory will be.
func (s *site) smallDisk(size int) {
	s.t.Helper()
	if err := os.Mkdir(s.state(), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if os.Getuid() != 0 {
		s.t.Skip("SKIPPED, NOTHING TESTED: only root can mount a small disk")
	}
	if err := unix.Mount("tmpfs", s.state(), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		s.t.Skipf("SKIPPED, NOTHING TESTED: mount: %v", err)
	}
	s.t.Cleanup(func() { _ = unix.Unmount(s.state(), unix.MNT_DETACH) })
}

// While the journal cannot be written nothing is acknowledged, and the state, /readyz, the log and "pushmail status" say why. When there is
// room again it goes on by itself, and nothing is lost.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for name, disk := range map[string]struct {
		prepare   func(s *site)
		full, not func(s *site, r *pushmail.Run)
	}{
		"limit on files": {
			prepare: func(*site) {},
			full: func(s *site, r *pushmail.Run) {
				info, err := os.Stat(filepath.Join(s.state(), "journal.db-wal"))
				if err != nil {
					s.t.Fatal(err)
				}
				limitFiles(s.t, r, uint64(info.Size()))
			},
			not: func(s *site, r *pushmail.Run) { limitFiles(s.t, r, 0) },
		},
		"disk": {
			prepare: func(s *site) { s.smallDisk(2 << 20) },
			full: func(s *site, _ *pushmail.Run) {
				f, err := os.Create(filepath.Join(s.state(), "other"))
				if err != nil {
					s.t.Fatal(err)
				}
				defer f.Close()
				for err == nil {
					_, err = f.Write(make([]byte, 4096))
				}
			},
			not: func(s *site, _ *pushmail.Run) {
				if err := os.Remove(filepath.Join(s.state(), "other")); err != nil {
					s.t.Fatal(err)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook := startReceiver(t)
			s := newSite(t, 3, "")
			s.add(s.fileSink("file") + webhook("hook", hook, ""))
			disk.prepare(s)
			r := s.serve()
			s.awaitUp(r, "user0", "user1", "user2")
			all := s.flood("before", 5)
			logs := map[string]func() log{"file": s.lines("file"), "hook": hook.has}
			s.awaitAll(r, all, logs)

			disk.full(s, r)
			after := s.flood("after", 30)
			eventually(t, r, func() string {
				if code, text, err := s.try("GET", "/readyz", nil); err != nil || code != http.StatusServiceUnavailable || !strings.Contains(string(text), "journal") {
					return fmt.Sprintf("readyz: %d %s %v", code, text, err)
				}
				return ""
			})
			var summary struct {
				Ready   bool
				Journal struct{ Trouble *trouble }
			}
			s.ask(http.StatusOK, "GET", "/v1/status", nil, &summary)
			explained(t, "the journal", summary.Journal.Trouble, "journal", "room")
			if stdout, _ := s.run(8, "status"); !strings.Contains(stdout, "journal") || !strings.Contains(stdout, "room") {
				t.Errorf("pushmail status:\n%s", stdout)
			}
			if !strings.Contains(r.Stderr(), "no room for the journal") {
				t.Errorf("not a word in the log")
			}
			if hook.has().missing(after) == 0 {
				t.Fatal("all events came: the disk is not full")
			}

			disk.not(s, r)
			for subject := range after {
				all[subject] = true
			}
			s.awaitAll(r, all, logs)
			eventually(t, r, func() string {
				if code, text, err := s.try("GET", "/readyz", nil); err != nil || code != http.StatusOK {
					return fmt.Sprintf("readyz: %d %s %v", code, text, err)
				}
				return ""
			})
			hook.has().check(t, "hook", all)
			s.lines("file")().check(t, "file", all)
			r.Stop(t)
		})
	}
}
