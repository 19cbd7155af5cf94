package sqlite

import (
	"context"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// writeToTheLimit fills the journal up to a limit on the size of files, and goes on when that is lifted.
func writeToTheLimit(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	j, err := Open(ctx, path)
	if err != nil {
		return err
	}
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: was.Max}); err != nil {
		return err
	}
	n, err := fillUp(ctx, j, 0)
	if err := full(ctx, j, n, err); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := goesOn(ctx, j, n); err != nil {
		return err
	}
	return j.Close()
}

// mountSmall mounts a file system in memory with so many bytes.
func mountSmall(dir string, size int) (unmount func(), err error) {
	if os.Getuid() != 0 {
		return nil, syscall.EPERM
	}
	err = unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size="+strconv.Itoa(size))
	return func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }, err
}
