package dovecot

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pushmail/pushmail/e2e/daemon"
	"github.com/pushmail/pushmail/e2e/process"
)

// Portless is a mail directory that real Dovecot sessions are opened on without any server or port: each connection is one
// imap process on a socket pair, logged in already (PREAUTH). Connections to one Portless see each other's changes.
// There is no AUTHENTICATE, STARTTLS or LMTP this way.
type Portless struct {
	dir, conf string
	owner     daemon.Owner
}

const portlessConf = `base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
ssl = no
mail_uid = %[2]d
mail_gid = %[3]d
first_valid_uid = 0
first_valid_gid = 0
mail_home = %[1]s/mail
mail_location = %[4]s
mailbox_list_index = yes
namespace inbox {
  inbox = yes
  separator = /
}
protocol imap {
  imap_idle_notify_interval = %[5]s
}
`

// NewPortless makes an empty mail directory for one test.
func NewPortless(t testing.TB, o Options) *Portless {
	t.Helper()
	Require(t)
	who, err := daemon.CurrentOwner()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := daemon.TempDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	p := &Portless{dir: dir, conf: filepath.Join(dir, "pipe.conf"), owner: who}
	text := fmt.Sprintf(portlessConf, dir, who.UID, who.GID, o.Location(), o.StillHere())
	if override := o.Announced(); override != "" {
		text += "imap_capability = " + override + "\n"
	}
	if err := os.WriteFile(p.conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"run", "mail"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := who.Own(dir); err != nil {
		t.Fatal(err)
	}
	return p
}

// Conn starts an imap process and returns the client's side of its connection: a real socket, with deadlines.
// The process ends when the connection is closed, at the latest with the test.
func (p *Portless) Conn(t testing.TB) net.Conn {
	t.Helper()
	conn, remote, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()

	var stderr bytes.Buffer
	cmd := exec.Command("/usr/lib/dovecot/imap", "-c", p.conf) // "doveadm exec imap" would forget the imap settings
	cmd.Dir = p.dir
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "USER=" + p.owner.User, "HOME=" + filepath.Join(p.dir, "mail")}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = remote, remote, &stderr
	p.owner.Apply(cmd)
	proc, err := process.Start(cmd)
	if err != nil {
		conn.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		proc.Kill()
		if t.Failed() {
			t.Logf("log of the imap process:\n%s", strings.TrimSpace(stderr.String()))
		}
	})
	return conn
}

// socketPair returns two ends of a stream: one for us, one to hand to a child.
func socketPair() (net.Conn, *os.File, error) {
	syscall.ForkLock.RLock() // no child may inherit the ends before they are marked
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "client"), os.NewFile(uintptr(fds[1]), "server")
	defer ours.Close() // FileConn makes a copy
	conn, err := net.FileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	return conn, theirs, nil
}
