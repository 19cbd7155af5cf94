package crowd

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// polled is connections in a Poller, without a watcher.
type polled struct {
	*Setup
	poller *imapclient.Poller
	mu     sync.Mutex
	conns  []*imapclient.Conn
}

func newPolled(s *Setup) subject { return &polled{Setup: s} }

func (p *polled) open(ctx context.Context) (err error) {
	if p.poller, err = imapclient.NewPoller(nil); err != nil {
		return err
	}
	return p.each(ctx, func(ctx context.Context, user int) error {
		o := p.clientOptions()
		o.Handler = func(r imap.Response) {
			if n, ok := r.(imap.Exists); ok {
				p.heard(user, uint32(n))
			}
		}
		c, err := imapclient.Dial(ctx, &o)
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.conns = append(p.conns, c)
		p.mu.Unlock()
		if err := c.Login(ctx, strconv.Itoa(user), "x"); err != nil {
			return err
		}
		if _, err := c.Select(ctx, "INBOX", &imap.SelectOptions{ReadOnly: true}); err != nil {
			return err
		}
		p.wait(c)
		return nil
	})
}

func (p *polled) wait(c *imapclient.Conn) {
	p.poller.Wait(c, time.Time{}, func(err error) {
		if err == nil {
			p.wait(c)
		}
	})
}

func (p *polled) close() {
	for _, c := range p.conns {
		_ = c.Close()
	}
	_ = p.poller.Close()
}
