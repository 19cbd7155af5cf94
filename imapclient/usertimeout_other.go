//go:build !linux

package imapclient

import (
	"net"
	"time"
)

// setUserTimeout does nothing: only Linux lets a program set it for a connection in this way.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }
