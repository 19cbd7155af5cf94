// Package courier runs real Courier IMAP servers for tests, from Debian's packages unpacked by e2e/install-servers: on loopback ports of
// their own, everything in a temporary directory, as children of the test, without root (root's servers run as nobody).
package courier

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/daemon"
)

// Password opens every account.
const Password = daemon.Password

// Server is one running Courier. Its users are made by AddUsers. It has no LMTP: Deliver puts mail into the maildir.
type Server struct {
	*daemon.Server
	mu    sync.Mutex // guards users and what is made of them
	users []string
}

// Options say how a Server differs from the usual. The zero value announces everything Courier can do.
type Options struct {
	// Without lists capabilities that the server does not announce.
	Without []string
	// EnhancedIdle has IDLE tell of changes at once. Without it, as Debian ships it, IDLE looks only every IdlePoll.
	EnhancedIdle bool
	// IdlePoll is how often IDLE looks, in full seconds. Zero means 1 minute, Courier's own.
	IdlePoll time.Duration
}

const capabilities = "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA " +
	"AUTH=PLAIN AUTH=CRAM-MD5 AUTH=CRAM-SHA1 AUTH=CRAM-SHA256 IDLE"

// Announced is the value of IMAP_CAPABILITY. Courier adds ACL and UTF8=ACCEPT by itself.
func (o Options) Announced() string {
	all := strings.Fields(capabilities)
	return strings.Join(slices.DeleteFunc(all, func(c string) bool { return slices.Contains(o.Without, c) }), " ")
}

var root = daemon.Unpacked("courier")

// Require ends the test when this machine has no Courier: see daemon.Require.
func Require(t testing.TB) {
	t.Helper()
	daemon.Require(t, filepath.Join(root, "usr/bin/imapd"), filepath.Join(root, "usr/bin/couriertls"), filepath.Join(root, "usr/sbin/couriertcpd"),
		filepath.Join(root, "usr/lib/courier/courier-authlib/authdaemond"), filepath.Join(root, "usr/libexec/gam_server"))
}

// Start runs a server with users until the end of the test, and shows its log when the test failed.
func Start(t testing.TB, o Options, users ...string) *Server {
	t.Helper()
	Require(t)
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.KeepUntilEnd(t)
	if err := s.AddUsers(users...); err != nil {
		t.Fatal(err)
	}
	return s
}

// New runs a server until Close: for a server that many tests share. Callers have asked Require before.
func New(o Options) (*Server, error) {
	s, err := daemon.New(daemon.Recipe{
		Name:      "Courier",
		Configure: configure,
		Commands:  func(s *daemon.Server) []*exec.Cmd { return commands(s, o) },
	})
	return &Server{Server: s}, err
}

func configure(s *daemon.Server) error {
	if err := relocate(s.Dir, s.Owner.User); err != nil {
		return err
	}
	for _, dir := range []string{"authdaemon", "mail"} {
		if err := os.Mkdir(filepath.Join(s.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	rc := fmt.Sprintf("authmodulelist=\"authuserdb\"\nauthmodulelistorig=\"authuserdb\"\ndaemons=2\nauthdaemonvar=%s/authdaemon\nDEBUG_LOGIN=1\nDEFAULTOPTIONS=\"\"\nLOGGEROPTS=\"\"\n", s.Dir)
	if err := os.WriteFile(filepath.Join(s.Dir, "authdaemonrc"), []byte(rc), 0o644); err != nil {
		return err
	}
	cert, err := os.ReadFile(s.CertPEM)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(s.KeyPEM)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "both.pem"), append(key, cert...), 0o600); err != nil {
		return err
	}
	return writeUsers(s, nil)
}

func commands(s *daemon.Server, o Options) []*exec.Cmd {
	bin := func(name string) string { return filepath.Join(s.Dir, "bin", name) }
	listen := func(address string, before ...string) *exec.Cmd {
		host, port, _ := strings.Cut(address, ":")
		args := []string{"-address=" + host, "-maxprocs=2000", "-maxperip=2000", "-nodnslookup", "-noidentlookup", port}
		args = append(args, before...)
		cmd := exec.Command(bin("couriertcpd"), append(args, bin("imaplogin"), bin("imapd"), "Maildir")...)
		cmd.Env = environment(s, o)
		return cmd
	}
	auth := exec.Command(bin("authdaemond"))
	auth.Env = environment(s, o)
	// Without its file monitor every login and every lock takes 1.2 seconds more.
	monitor := exec.Command(filepath.Join(root, "usr/libexec/gam_server"), "--notimeout", filepath.Base(s.Dir))
	monitor.Env = environment(s, o)
	imaps := listen(s.IMAPS, bin("couriertls"), "-server", "-tcpd")
	imaps.Env = append(imaps.Env, "IMAP_TLS=1", "IMAP_STARTTLS=NO")
	return []*exec.Cmd{auth, monitor, listen(s.IMAP), imaps}
}

// environment is what Courier's start scripts make of /etc/courier/imapd and imapd-ssl.
func environment(s *daemon.Server, o Options) []string {
	enhancedIdle, idlePoll := 0, 60
	if o.EnhancedIdle {
		enhancedIdle = 1
	}
	if o.IdlePoll > 0 {
		idlePoll = int(o.IdlePoll.Seconds())
	}
	return []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"LD_LIBRARY_PATH=" + strings.Join([]string{
			filepath.Join(s.Dir, "lib"), filepath.Join(s.Dir, "authlib"),
			filepath.Join(root, "usr/lib/x86_64-linux-gnu"), filepath.Join(root, "lib/x86_64-linux-gnu"),
		}, ":"),
		"IMAP_CAPABILITY=" + o.Announced(),
		"IMAP_CAPABILITY_TLS=" + o.Announced(),
		"IMAP_KEYWORDS=1",
		"IMAP_ACL=1",
		fmt.Sprintf("IMAP_IDLE_TIMEOUT=%d", idlePoll),
		fmt.Sprintf("IMAP_ENHANCEDIDLE=%d", enhancedIdle),
		"GAM_CLIENT_ID=" + filepath.Base(s.Dir), // which monitor to ask
		"IMAP_MAILBOX_SANITY_CHECK=0",
		"IMAP_UMASK=022",
		"IMAP_USELOCKS=1",
		"IMAP_TRASHFOLDERNAME=Trash",
		"IMAP_STARTTLS=YES",
		"IMAP_TLS_REQUIRED=0",
		"MAILDIRPATH=Maildir",
		"COURIERTLS=" + filepath.Join(s.Dir, "bin/couriertls"),
		"TLS_CERTFILE=" + filepath.Join(s.Dir, "both.pem"),
		"TLS_VERIFYPEER=NONE",
	}
}
