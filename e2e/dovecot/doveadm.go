package dovecot

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// Doveadm runs an administrator's command and returns what it printed. The server need not be running.
func (s *Server) Doveadm(args ...string) (string, error) {
	cmd := exec.Command("/usr/bin/doveadm", append([]string{"-c", confFile(s.Server)}, args...)...)
	cmd.Dir = s.Dir
	s.Owner.Apply(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("doveadm %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// UIDValidity reads a mailbox's UIDVALIDITY from the server's own tool.
func (s *Server) UIDValidity(user, mailbox string) (uint32, error) {
	out, err := s.Doveadm("-f", "tab", "mailbox", "status", "-u", user, "uidvalidity", mailbox)
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(out) // header line, then "mailbox uidvalidity"
	value, err := strconv.ParseUint(fields[len(fields)-1], 10, 32)
	if err != nil {
		return 0, fmt.Errorf("doveadm mailbox status printed %q: %w", out, err)
	}
	return uint32(value), nil
}

// ChangeUIDValidity gives a mailbox a new UIDVALIDITY, as happens when it is restored from a backup. Sessions that have it
// selected are not told: they find out when they select it again.
func (s *Server) ChangeUIDValidity(user, mailbox string) (uint32, error) {
	old, err := s.UIDValidity(user, mailbox)
	if err != nil {
		return 0, err
	}
	if _, err := s.Doveadm("mailbox", "update", "--uid-validity", strconv.FormatUint(uint64(old)+1000, 10), "-u", user, mailbox); err != nil {
		return 0, err
	}
	now, err := s.UIDValidity(user, mailbox)
	if err == nil && now != old+1000 {
		err = fmt.Errorf("UIDVALIDITY of %s is %d after changing %d to %d", mailbox, now, old, old+1000)
	}
	return now, err
}
