package crowd

import (
	"context"
	"strconv"
	"time"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/watch"
)

type manager struct {
	*Setup
	m     *watch.Manager
	hosts *watch.Hosts
}

func newManager(s *Setup) subject {
	return &manager{Setup: s, hosts: &watch.Hosts{LoginsPerSecond: -1}}
}

func (s *Setup) clientOptions() imapclient.Options {
	o := imapclient.Options{Addr: s.Addr, Security: imapclient.InsecurePlaintext}
	if s.TLS != nil {
		o.Security, o.TLSConfig = imapclient.ImplicitTLS, s.TLS
	}
	o.IdleRestart = time.Duration(float64(9*time.Minute) / s.Often)
	return o
}

func (m *manager) open(ctx context.Context) (err error) {
	m.m, err = watch.NewManager(watch.ManagerOptions{Handler: m.handle})
	if err != nil {
		return err
	}
	before := m.opens.Load()
	client := m.clientOptions()
	for user := range m.Mailboxes {
		name := strconv.Itoa(user)
		o := watch.AccountOptions{Options: watch.Options{
			Account: name, Mailbox: "INBOX", Client: client, Hosts: m.hosts,
			Login:          func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, name, "x") },
			VerifyInterval: time.Duration(float64(10*time.Minute) / m.Often),
		}}
		if err := m.m.Add(o); err != nil {
			return err
		}
	}
	for m.opens.Load() < before+int64(m.Mailboxes) {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (m *manager) handle(_ context.Context, ev watch.Event) error {
	switch ev.Type {
	case watch.MailboxOpen:
		m.opens.Add(1)
	case watch.MessageNew:
		if ev.Message != nil && ev.Message.Envelope != nil {
			user, _ := strconv.Atoi(ev.Account)
			m.heard(user, uint32(ev.UID))
		}
	}
	return nil
}

func (m *manager) close() {
	if m.m != nil {
		_ = m.m.Close(context.Background())
	}
}
