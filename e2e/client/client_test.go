package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/rawimap"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
)

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// options returns options to reach s.
func options(t *testing.T, s *dovecot.Server, security imapclient.Security) *imapclient.Options {
	t.Helper()
	roots, err := s.CertPool()
	check(t, err)
	o := &imapclient.Options{Addr: s.IMAPS, Security: security, TLSConfig: &tls.Config{RootCAs: roots}}
	if security != imapclient.ImplicitTLS {
		o.Addr = s.IMAP
	}
	return o
}

// connected returns a connection that is logged in, and a session of somebody else.
func connected(t *testing.T, s *dovecot.Server, user string, o *imapclient.Options) (*imapclient.Conn, *rawimap.Session) {
	t.Helper()
	if o == nil {
		o = options(t, s, imapclient.ImplicitTLS)
	}
	c, err := imapclient.Dial(within(t, 20*time.Second), o)
	check(t, err)
	t.Cleanup(func() { c.Close() })
	check(t, c.Login(within(t, 20*time.Second), user, dovecot.Password))
	other, err := rawimap.Dial(s.IMAPS, options(t, s, imapclient.ImplicitTLS).TLSConfig.RootCAs, user, dovecot.Password)
	check(t, err)
	t.Cleanup(func() { other.Close() })
	check(t, other.Select("INBOX"))
	return c, other
}

func message(subject string) []byte {
	return []byte("From: Jo <jo@example.org>\r\nTo: al@example.org\r\nSubject: " + subject + "\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\n\r\nHello.\r\n")
}

func TestEveryWayToConnectAndLogIn(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	for _, security := range []imapclient.Security{imapclient.ImplicitTLS, imapclient.StartTLS, imapclient.InsecurePlaintext} {
		for _, m := range []imapauth.Mechanism{imapauth.PLAIN, imapauth.LOGIN, imapauth.LoginCommand} {
			t.Run(fmt.Sprint(security, " ", m), func(t *testing.T) {
				ctx := within(t, 20*time.Second)
				var log bytes.Buffer
				o := options(t, s, security)
				o.Trace = &imapclient.Trace{W: &log}
				c, err := imapclient.Dial(ctx, o)
				check(t, err)
				defer c.Close()
				if (c.TLS() != nil) != (security != imapclient.InsecurePlaintext) {
					t.Errorf("TLS is %v", c.TLS())
				}
				cred := &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret(dovecot.Password), Mechanisms: []imapauth.Mechanism{m}}
				check(t, c.SignIn(ctx, cred))
				if !c.Capabilities().Has(imap.CapQResync) {
					t.Errorf("capabilities after login: %v", c.Capabilities())
				}
				if _, err := c.ID(ctx, imap.Attribute{Name: "name", Value: "test"}); err != nil {
					t.Error(err)
				}
				check(t, c.Logout(ctx))
				for _, secret := range []string{dovecot.Password, "AGpvAHBhc3M"} {
					if strings.Contains(log.String(), secret) {
						t.Errorf("the trace shows the password as %q:\n%s", secret, log.String())
					}
				}
			})
		}
	}
}

func TestWrongPasswordIsClassified(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	ctx := within(t, 30*time.Second)
	c, err := imapclient.Dial(ctx, options(t, s, imapclient.ImplicitTLS))
	check(t, err)
	defer c.Close()
	err = c.Login(ctx, "jo", "wrong-secret")
	if v := imapclient.Classify(err); v.Class != imapclient.ClassAuth {
		t.Errorf("%v is %v, want auth", err, v.Class)
	}
	if strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("the error shows the password: %v", err)
	}
	// The connection goes on.
	check(t, c.Login(ctx, "jo", dovecot.Password))
}

func TestUntrustedCertificateIsExplained(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	_, err := imapclient.Dial(within(t, 20*time.Second), &imapclient.Options{Addr: s.IMAPS})
	var cert *imapclient.CertificateError
	if !errors.As(err, &cert) || imapclient.Classify(err).Class != imapclient.ClassConfig {
		t.Errorf("error %v", err)
	}
	o := options(t, s, imapclient.ImplicitTLS)
	o.Addr = s.IMAP
	_, err = imapclient.Dial(within(t, 20*time.Second), o)
	if err == nil || !strings.Contains(err.Error(), "imap://") {
		t.Errorf("TLS on the port of STARTTLS: %v", err)
	}
}

func TestCommandsOnTheRealThing(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	ctx := within(t, 30*time.Second)
	c, other := connected(t, s, "jo", nil)

	on, err := c.Enable(ctx, imap.CapQResync)
	check(t, err)
	if !on.Has(imap.CapQResync) || !c.Enabled().Has(imap.CapQResync) {
		t.Errorf("enabled %v", on)
	}
	got, err := c.Append(ctx, "INBOX", bytes.NewReader(message("one")), int64(len(message("one"))),
		&imapclient.AppendOptions{Flags: []imap.Flag{imap.FlagFlagged, "$Work"}, InternalDate: time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))})
	check(t, err)
	if got.UID != 1 || got.UIDValidity == 0 {
		t.Errorf("appended %+v", got)
	}
	box, err := c.Select(ctx, "INBOX", &imap.SelectOptions{CondStore: true})
	check(t, err)
	if box.Exists != 1 || box.UIDNext != 2 || box.UIDValidity != got.UIDValidity || box.HighestModSeq == 0 || box.ReadOnly {
		t.Errorf("selected %+v", box)
	}
	for range 9 {
		_, err := other.Append("INBOX", message("more"))
		check(t, err)
	}
	check(t, c.Noop(ctx))
	st, err := c.Status(ctx, "INBOX", imap.StatusMessages|imap.StatusUIDNext|imap.StatusUnseen|imap.StatusHighestModSeq|imap.StatusSize)
	check(t, err)
	if st.Messages != 10 || st.UIDNext != 11 || st.Unseen != 10 || st.HighestModSeq == 0 || st.Size == 0 {
		t.Errorf("status %+v", st)
	}

	var rows []*imap.Message
	for m, err := range c.Fetch(ctx, imap.UIDs(1, 4, 99), &imap.FetchOptions{Items: imap.ItemsAll | imap.ItemBody | imap.ItemModSeq}) {
		check(t, err)
		rows = append(rows, m)
	}
	if len(rows) != 2 || rows[0].Envelope.Subject != "one" || !imap.HasFlag(rows[0].Flags, "$Work") || rows[1].UID != 4 ||
		!rows[0].InternalDate.Equal(time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC)) || !rows[0].Body.Is("text/plain") || rows[0].ModSeq == 0 {
		t.Errorf("fetched %+v", rows)
	}
	var body bytes.Buffer
	n, err := c.FetchSection(ctx, 1, imap.SectionRequest{}, &body)
	check(t, err)
	if n != int64(len(message("one"))) || body.String() != string(message("one")) {
		t.Errorf("body is %q", body.String())
	}
	if _, err := c.FetchSection(ctx, 99, imap.SectionRequest{}, &body); !errors.Is(err, imapclient.ErrNoSection) {
		t.Errorf("body of nothing: %v", err)
	}

	found, err := c.Search(ctx, imap.And(imap.WithFlag(imap.FlagFlagged), imap.Subject("one")))
	check(t, err)
	if !found.UIDs.Equal(imap.UIDs(1)) {
		t.Errorf("found %v", found.UIDs)
	}
	_, err = c.Store(ctx, imap.UIDs(2, 3), &imap.StoreOptions{Mode: imap.StoreAdd, Flags: []imap.Flag{imap.FlagDeleted}, Silent: true})
	check(t, err)
	check(t, c.ExpungeUIDs(ctx, imap.UIDs(2)))
	check(t, c.Expunge(ctx))
	if found, err = c.Search(ctx, imap.All()); err != nil || found.UIDs.String() != "1,4:10" {
		t.Errorf("left %v (%v)", found.UIDs, err)
	}
	boxes, err := c.List(ctx, nil)
	check(t, err)
	if !slices.ContainsFunc(boxes, func(l *imapclient.Listed) bool { return l.Mailbox == "INBOX" }) {
		t.Errorf("listed %v", boxes)
	}
	_, err = c.Select(ctx, "No such mailbox ü", nil)
	var no *imap.StatusError
	if !errors.As(err, &no) || no.Kind != imap.NO || c.State() != imapclient.StateAuthenticated {
		t.Errorf("select of nothing: %v, state %v", err, c.State())
	}
	if err := c.Expunge(ctx); !errors.Is(err, imapclient.ErrNotSelected) || !imapclient.SafeToRetry(err) {
		t.Errorf("expunge without a mailbox: %v", err)
	}
	check(t, c.Logout(ctx))
	if err := c.Noop(ctx); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after logout: %v", err)
	}
}

// pushes collects what the server says by itself.
type pushes struct {
	mu  sync.Mutex
	got []imap.Response
	ch  chan struct{}
}

func (p *pushes) handle(r imap.Response) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, r)
	select {
	case p.ch <- struct{}{}:
	default:
	}
}

func (p *pushes) wait(t *testing.T, want imap.Response) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		p.mu.Lock()
		ok := slices.Contains(p.got, want)
		p.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-p.ch:
		case <-deadline:
			t.Fatalf("no %T %v among %v", want, want, p.got)
		}
	}
}

func TestCommandsInterruptIdleAndItGoesOn(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	p := &pushes{ch: make(chan struct{}, 1)}
	o := options(t, s, imapclient.ImplicitTLS)
	o.Handler = p.handle
	c, other := connected(t, s, "jo", o)
	ctx, stop := context.WithCancel(within(t, 60*time.Second))
	_, err := c.Select(ctx, "INBOX", &imap.SelectOptions{ReadOnly: true})
	check(t, err)
	idle := make(chan error, 1)
	go func() { idle <- c.Idle(ctx) }()
	for i := range 20 {
		_, err := other.Append("INBOX", message("pushed"))
		check(t, err)
		p.wait(t, imap.Exists(i+1))
		// Several goroutines at once, in the middle of IDLE.
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				found, err := c.Search(ctx, imap.All())
				if err != nil || found.UIDs.Len() != uint64(i+1) {
					t.Errorf("found %v (%v), want %d messages", found.UIDs, err, i+1)
				}
			})
		}
		all.Wait()
	}
	stop()
	if err := <-idle; err != nil {
		t.Errorf("Idle: %v", err)
	}
	check(t, c.Noop(within(t, 10*time.Second)))
}

func TestCancelledCommandsLeaveTheConnectionUsable(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{MailLocation: "mdbox:~/mdbox"})
	c, other := connected(t, s, "jo", nil)
	many := make([][]byte, 500)
	for i := range many {
		many[i] = message(fmt.Sprint("message ", i))
	}
	for range 6 {
		_, err := other.AppendMany("INBOX", many)
		check(t, err)
	}
	ctx := within(t, 60*time.Second)
	_, err := c.Select(ctx, "INBOX", &imap.SelectOptions{ReadOnly: true})
	check(t, err)
	everything := imap.SetOfRange[imap.UID](1, 0)
	o := &imap.FetchOptions{Items: imap.ItemsAll | imap.ItemBody}
	for i := range 30 {
		// The loop is left, or the context ends, somewhere in the middle; both at the start, too.
		cctx, cancel := context.WithCancelCause(ctx)
		n, why := 0, errors.New("enough")
		for _, err := range c.Fetch(cctx, everything, o) {
			if err != nil {
				if !errors.Is(err, why) {
					t.Fatalf("fetch: %v", err)
				}
				break
			}
			if n++; n == i*40+1 {
				if i%2 == 0 {
					break
				}
				cancel(why)
			}
		}
		cancel(why)
		found, err := c.Search(ctx, imap.All())
		check(t, err)
		if found.UIDs.Len() != 3000 {
			t.Fatalf("after %d rows: %d messages found", n, found.UIDs.Len())
		}
	}
	// A command in the body of a loop over another.
	n := 0
	for m, err := range c.Fetch(ctx, everything, o) {
		check(t, err)
		if n++; n%1000 == 1 {
			for again, err := range c.Fetch(ctx, imap.UIDs(m.UID), o) {
				check(t, err)
				if again.Envelope.Subject != m.Envelope.Subject {
					t.Errorf("UID %d is %q and %q", m.UID, m.Envelope.Subject, again.Envelope.Subject)
				}
			}
		}
	}
	if n != 3000 {
		t.Errorf("%d rows, want 3000", n)
	}
}

func TestOverAPipe(t *testing.T) {
	dovecot.Require(t)
	p := dovecot.NewPortless(t, dovecot.Options{})
	ctx := within(t, 30*time.Second)
	c, err := imapclient.New(ctx, p.Conn(t), &imapclient.Options{Security: imapclient.InsecurePlaintext, AllowPreauth: true})
	check(t, err)
	if c.State() != imapclient.StateAuthenticated {
		t.Errorf("state %v", c.State())
	}
	_, err = c.Append(ctx, "INBOX", bytes.NewReader(message("one")), int64(len(message("one"))), nil)
	check(t, err)
	box, err := c.Select(ctx, "INBOX", nil)
	check(t, err)
	if box.Exists != 1 {
		t.Errorf("%d messages", box.Exists)
	}
	check(t, c.Logout(ctx))
	if _, err := imapclient.New(ctx, p.Conn(t), &imapclient.Options{Security: imapclient.InsecurePlaintext}); !errors.As(err, new(*imapclient.SecurityError)) {
		t.Errorf("PREAUTH in cleartext without permission: %v", err)
	}
}
