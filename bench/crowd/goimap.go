package crowd

import (
	"context"
	"strconv"
	"sync"

	"github.com/emersion/go-imap/client"
	v2 "github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

type goIMAPv2 struct {
	*Setup
	mu      sync.Mutex
	clients []*imapclient.Client
	idles   []*imapclient.IdleCommand
}

func newGoIMAPv2(s *Setup) subject { return &goIMAPv2{Setup: s} }

func (g *goIMAPv2) open(ctx context.Context) error {
	return g.each(ctx, func(_ context.Context, user int) error {
		o := &imapclient.Options{TLSConfig: g.TLS, UnilateralDataHandler: &imapclient.UnilateralDataHandler{
			Mailbox: func(data *imapclient.UnilateralDataMailbox) {
				if data.NumMessages != nil {
					g.heard(user, *data.NumMessages)
				}
			},
		}}
		dial := imapclient.DialTLS
		if g.TLS == nil {
			dial = imapclient.DialInsecure
		}
		c, err := dial(g.Addr, o)
		if err != nil {
			return err
		}
		if err := c.Login(strconv.Itoa(user), "x").Wait(); err != nil {
			return err
		}
		if _, err := c.Select("INBOX", &v2.SelectOptions{ReadOnly: true}).Wait(); err != nil {
			return err
		}
		idle, err := c.Idle()
		if err != nil {
			return err
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.clients, g.idles = append(g.clients, c), append(g.idles, idle)
		return nil
	})
}

func (g *goIMAPv2) close() {
	for _, c := range g.clients {
		_ = c.Close()
	}
}

type goIMAPv1 struct {
	*Setup
	mu      sync.Mutex
	clients []*client.Client
}

func newGoIMAPv1(s *Setup) subject { return &goIMAPv1{Setup: s} }

func (g *goIMAPv1) open(ctx context.Context) error {
	return g.each(ctx, func(_ context.Context, user int) error {
		var c *client.Client
		var err error
		if g.TLS == nil {
			c, err = client.Dial(g.Addr)
		} else {
			c, err = client.DialTLS(g.Addr, g.TLS)
		}
		if err != nil {
			return err
		}
		if err := c.Login(strconv.Itoa(user), "x"); err != nil {
			return err
		}
		if _, err := c.Select("INBOX", true); err != nil {
			return err
		}
		updates := make(chan client.Update, 1)
		c.Updates = updates
		go func() { _ = c.Idle(nil, nil) }()
		go func() {
			for {
				select {
				case u := <-updates:
					if m, ok := u.(*client.MailboxUpdate); ok {
						g.heard(user, m.Mailbox.Messages)
					}
				case <-c.LoggedOut():
					return
				}
			}
		}()
		g.mu.Lock()
		defer g.mu.Unlock()
		g.clients = append(g.clients, c)
		return nil
	})
}

func (g *goIMAPv1) close() {
	for _, c := range g.clients {
		_ = c.Terminate()
	}
}
