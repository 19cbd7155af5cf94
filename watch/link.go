package watch

import (
	"context"
	"errors"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/provider"
)

// link is an authenticated connection. What the server says goes to one model at a time.
type link struct {
	conn *imapclient.Conn
	// service is what is known of the server.
	service *provider.Provider
	vital
	renewal renewal
	// sink is given each response of the server in the order of the wire: it is the part of a mailbox's
	// model that is being built. It is nil while no mailbox is selected.
	sink interface{ apply(imap.Response) }
	// news is given the same, for those who look after more than one mailbox; it may be nil.
	news func(imap.Response)
}

// sink is a function as [link.sink].
type sink func(imap.Response)

func (s sink) apply(r imap.Response) { s(r) }

// connect makes a link. On failure nothing is left behind.
func connect(ctx context.Context, o *settings) (*link, error) {
	l := &link{service: o.service(nil, nil), vital: vital{o: o}}
	co := o.clientOptions(l.service)
	co.Observer = func(r imap.Response) {
		l.pulse(r)
		if l.news != nil {
			l.news(r)
		}
		if l.sink != nil {
			l.sink.apply(r)
		}
	}
	c, err := o.Dial(ctx, &co)
	if err != nil {
		return nil, err
	}
	l.conn = c
	o.budget.add(1)
	if err := l.login(ctx, o); err != nil {
		l.close(ctx)
		return nil, err
	}
	l.renewal = o.renewalOf(l.service)
	return l, nil
}

func (l *link) login(ctx context.Context, o *settings) error {
	if l.conn.State() == imapclient.StateNotAuthenticated {
		if o.Login == nil {
			return errors.New("the server wants a login, but Options.Login is not set")
		}
		if err := o.Login(ctx, l.conn); err != nil {
			return err
		}
	} else if _, err := l.conn.Capability(ctx); err != nil {
		return err
	}
	return l.introduce(ctx, o)
}

// introduce sends what has to be said before a mailbox is selected.
func (l *link) introduce(ctx context.Context, o *settings) error {
	caps := l.conn.Capabilities()
	var id *imap.ID
	if fields := o.introduction(l.service); caps.Has(imap.CapID) && len(fields) > 0 {
		var err error
		if id, err = l.conn.ID(ctx, fields...); err != nil && !isRefusal(err) {
			return err
		}
	}
	l.service = o.service(caps, id)
	l.tune()
	if caps.Has(imap.CapQResync) {
		if _, err := l.conn.Enable(ctx, imap.CapQResync); err != nil && !isRefusal(err) {
			return err
		}
	}
	return nil
}

// close ends the connection, with a LOGOUT if the server answers in time.
func (l *link) close(ctx context.Context) {
	l.o.budget.add(-1)
	l.sink = nil
	l.bury()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = l.conn.Logout(ctx)
}
