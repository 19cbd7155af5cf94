package imapclient

// EpollFD returns the file descriptor that p waits on, or -1.
func (p *Poller) EpollFD() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sockets == nil {
		return -1
	}
	return p.sockets.fd
}

// CheckNow has p do what it does every 20 seconds.
func (p *Poller) CheckNow() {
	p.mu.Lock()
	p.checkAt = 0
	p.mu.Unlock()
	p.tick()
}

// Detached reports whether the socket of c is a mere file descriptor.
func Detached(c *Conn) bool {
	c.gate.mu.Lock()
	defer c.gate.mu.Unlock()
	return c.gate.sock == nil
}

// TLSBufferSize returns the size of what c keeps for reading TLS, or -1 if it is used just now.
func TLSBufferSize(c *Conn) int {
	if !c.drive.try() {
		return -1
	}
	defer c.drive.release()
	raw, hand, ok := emptyBuffers(c.tls)
	if !ok {
		return -1
	}
	return raw.Cap() + hand.Cap()
}
