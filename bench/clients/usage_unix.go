//go:build unix

package clients

import (
	"syscall"
	"time"
)

// CPUTime is the CPU time that this process has used, user and system.
func CPUTime() time.Duration {
	u := used()
	return u.user + u.system
}

type usage struct{ user, system time.Duration }

// used is the CPU time of this process, all threads together.
func used() usage {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err) // cannot happen with these arguments
	}
	return usage{time.Duration(r.Utime.Nano()), time.Duration(r.Stime.Nano())}
}
