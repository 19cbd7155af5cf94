//go:build !linux

package imapclient

import "net"

// gate exists on Linux only: elsewhere each connection waits on a goroutine.
type gate struct{ net.Conn }

func (g *gate) init(net.Conn) bool { return false }

func (g *gate) setPolling(bool) {}

type sockets struct{}

func (s *sockets) abandon() {}

func (s *sockets) gone() bool { return false }

func (s *sockets) close() error { return nil }

func (p *Poller) watch(*parked) error { return errNotPolled }
