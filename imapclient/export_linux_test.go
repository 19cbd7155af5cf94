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
