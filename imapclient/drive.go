package imapclient

import "sync"

// driveLock is held by the goroutine that drives a connection. It goes to those who wait for it in their order, as a
// channel of one would, but takes next to no memory while nobody does.
type driveLock struct {
	mu   sync.Mutex
	held bool              // guarded by mu
	line []chan<- struct{} // guarded by mu: those who wait, the first one first; each is closed when it is their turn
}

// try takes the lock if it is free.
func (d *driveLock) try() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	free := !d.held
	d.held = true
	return free
}

// wait returns what is closed when the caller has the lock. Who does not wait for that any more calls leave.
func (d *driveLock) wait() (mine chan struct{}) {
	mine = make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held {
		d.line = append(d.line, mine)
	} else {
		d.held = true
		close(mine)
	}
	return mine
}

// leave undoes wait.
func (d *driveLock) leave(mine chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, c := range d.line {
		if c == mine {
			d.line = append(d.line[:i], d.line[i+1:]...)
			return
		}
	}
	d.releaseLocked() // it was our turn just now
}

func (d *driveLock) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.releaseLocked()
}

func (d *driveLock) releaseLocked() {
	if len(d.line) == 0 {
		d.held, d.line = false, nil
		return
	}
	close(d.line[0])
	d.line = d.line[1:]
}
