package dovecot

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is the user that Dovecot's processes and files belong to: whoever runs the test, but never root (Dovecot
// refuses to touch mail as root), so root hands everything to nobody.
type owner struct {
	User, Group string
	UID, GID    int
	switched    bool // a child must change to this user
}

func currentOwner() (owner, error) {
	name, switched := "", false
	if os.Geteuid() == 0 {
		name, switched = "nobody", true
	}
	u, err := lookup(name)
	if err != nil {
		return owner{}, fmt.Errorf("user to run dovecot as: %w", err)
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return owner{}, fmt.Errorf("group to run dovecot as: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return owner{}, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return owner{}, err
	}
	return owner{User: u.Username, Group: g.Name, UID: uid, GID: gid, switched: switched}, nil
}

func lookup(name string) (*user.User, error) {
	if name == "" {
		return user.Current()
	}
	return user.Lookup(name)
}

// apply makes cmd run as the owner.
func (o owner) apply(cmd *exec.Cmd) {
	if !o.switched {
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(o.UID), Gid: uint32(o.GID)}}
}

// tempDir makes a directory that the owner can reach and write. Its name is short: unix sockets live in it, and their names may have 107 bytes.
func (o owner) tempDir() (string, error) {
	dir, err := os.MkdirTemp("", "pmdc")
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(filepath.Join(dir, "mail"), 0o700); err != nil {
		return "", err
	}
	return dir, o.own(dir)
}

// own gives everything below dir to the owner.
func (o owner) own(dir string) error {
	if !o.switched {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, o.UID, o.GID)
	})
}
