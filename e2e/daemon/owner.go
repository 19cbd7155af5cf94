package daemon

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Owner is the user that a server's processes and files belong to: whoever runs the test, but never root (mail servers
// refuse to touch mail as root), so root hands everything to nobody.
type Owner struct {
	User, Group string
	UID, GID    int
	switched    bool // a child must change to this user
}

// CurrentOwner finds the Owner for the user who runs the test.
func CurrentOwner() (Owner, error) {
	name, switched := "", false
	if os.Geteuid() == 0 {
		name, switched = "nobody", true
	}
	u, err := lookup(name)
	if err != nil {
		return Owner{}, fmt.Errorf("user to run a server as: %w", err)
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return Owner{}, fmt.Errorf("group to run a server as: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return Owner{}, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return Owner{}, err
	}
	return Owner{User: u.Username, Group: g.Name, UID: uid, GID: gid, switched: switched}, nil
}

func lookup(name string) (*user.User, error) {
	if name == "" {
		return user.Current()
	}
	return user.Lookup(name)
}

// Apply makes cmd run as the owner.
func (o Owner) Apply(cmd *exec.Cmd) {
	if !o.switched {
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(o.UID), Gid: uint32(o.GID)}}
}

// Own gives everything below path to the owner.
func (o Owner) Own(path string) error {
	if !o.switched {
		return nil
	}
	return filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, o.UID, o.GID)
	})
}
