package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/internal/config"
	"github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/httpapi"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/status"
)

// accountService lets the API change accounts.
type accountService struct{ a *App }

// Get implements httpapi.Accounts.
func (s accountService) Get(_ context.Context, name string) (httpapi.AccountSpec, error) {
	k, err := s.find(name)
	return k.Spec, err
}

// find returns an account that is kept.
func (s accountService) find(name string) (keptAccount, error) {
	if s.a.inFile(name) {
		return keptAccount{}, httpapi.ErrInFile
	}
	s.a.keeping.Lock()
	defer s.a.keeping.Unlock()
	k, ok := s.a.kept[name]
	if !ok {
		return k, errGone
	}
	return k, nil
}

// Create implements httpapi.Accounts.
func (s accountService) Create(ctx context.Context, spec httpapi.AccountSpec) error {
	ctx, cancel := untilDone(ctx)
	defer cancel()
	s.a.change.Lock()
	defer s.a.change.Unlock()
	if _, err := s.find(spec.Name); !errors.Is(err, httpapi.ErrNotFound) {
		return httpapi.ErrExists
	}
	return s.put(ctx, keptAccount{Spec: spec})
}

// Replace implements httpapi.Accounts.
func (s accountService) Replace(ctx context.Context, spec httpapi.AccountSpec) error {
	ctx, cancel := untilDone(ctx)
	defer cancel()
	s.a.change.Lock()
	defer s.a.change.Unlock()
	before, err := s.find(spec.Name)
	if err != nil {
		return err
	}
	next := keptAccount{Spec: spec}
	if spec.OAuth != nil && spec.OAuth.RefreshToken == "" {
		next.RefreshToken = before.RefreshToken
	}
	inherit(&next.Spec, &before.Spec)
	return s.put(ctx, next)
}

// put keeps an account and watches it. The caller holds change.
func (s accountService) put(ctx context.Context, k keptAccount) error {
	c, err := s.a.configOf(k)
	if err != nil {
		return err
	}
	s.a.keeping.Lock()
	err = s.a.keep(ctx, k)
	s.a.keeping.Unlock()
	if err != nil {
		return err
	}
	return s.a.watch(ctx, c, status.OriginAPI)
}

// Delete implements httpapi.Accounts.
func (s accountService) Delete(ctx context.Context, name string) error {
	ctx, cancel := untilDone(ctx)
	defer cancel()
	s.a.change.Lock()
	defer s.a.change.Unlock()
	if _, err := s.find(name); err != nil {
		return err
	}
	if err := s.a.journal.DeleteAccount(ctx, name); err != nil && !errors.Is(err, journal.ErrNotFound) {
		return err
	}
	s.a.keeping.Lock()
	delete(s.a.kept, name)
	s.a.keeping.Unlock()
	if _, err := s.a.accounts.Remove(ctx, name); err != nil {
		return fmt.Errorf("%w: the account is removed, and is still logging out: %w", httpapi.ErrUnavailable, err)
	}
	s.a.noteWatched(name, nil)
	s.a.board.Forget(name)
	// When an account of this name is added again, it is another one.
	return s.a.journal.ForgetCheckpoints(ctx, name)
}

// Verify implements httpapi.Accounts.
func (s accountService) Verify(ctx context.Context, spec httpapi.AccountSpec) (httpapi.Verification, error) {
	c, err := s.a.configOf(keptAccount{Spec: spec})
	if err != nil {
		return httpapi.Verification{}, err
	}
	return s.a.verify(ctx, c)
}

// VerifyNamed implements httpapi.Accounts.
func (s accountService) VerifyNamed(ctx context.Context, name string) (httpapi.Verification, error) {
	c, err := s.named(name)
	if err != nil {
		return httpapi.Verification{}, err
	}
	return s.a.verify(ctx, c)
}

func (s accountService) named(name string) (*config.Account, error) {
	cfg := s.a.cfg.Load()
	for i := range cfg.Accounts {
		if c := &cfg.Accounts[i]; c.Name == name {
			return c, nil
		}
	}
	k, err := s.find(name)
	if err != nil {
		return nil, err
	}
	return s.a.configOf(k)
}

// verify logs in once and lists the mailboxes.
func (a *App) verify(ctx context.Context, c *config.Account) (v httpapi.Verification, err error) {
	began := time.Now()
	defer func() { v.Seconds = time.Since(began).Seconds() }()
	o, err := a.watchOptions(c)
	if err != nil {
		return v, err
	}
	failed := func(err error) (httpapi.Verification, error) {
		v.Trouble = status.Explain(imapclient.Classify(err).Class.String(), err.Error())
		return v, nil
	}
	dial := o.Dial
	if dial == nil {
		dial = imapclient.Dial
	}
	conn, err := dial(ctx, &o.Client)
	if err != nil {
		return failed(err)
	}
	defer func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = conn.Logout(limited)
	}()
	if conn.State() == imapclient.StateNotAuthenticated {
		if err := o.Login(ctx, conn); err != nil {
			return failed(err)
		}
	}
	if conn.Capabilities().Has(imap.CapID) {
		if id, err := conn.ID(ctx); err == nil {
			v.Server = id.Get("name")
		}
	}
	v.Push = pushOf(conn.Capabilities(), c)
	found, err := conn.List(ctx, &imap.ListOptions{ReturnSpecialUse: true})
	if err != nil {
		return failed(err)
	}
	for _, m := range found {
		if o.Mailbox == "" && o.Wants(&m.List) || o.Mailbox != "" && imap.SameMailbox(o.Mailbox, m.Mailbox) {
			v.Mailboxes = append(v.Mailboxes, m.Mailbox)
		}
	}
	v.OK = true
	return v, nil
}

func pushOf(caps imap.Capabilities, c *config.Account) string {
	many := c.AllMailboxes || len(c.Mailboxes) > 1 || len(c.Mailboxes) == 1 && !isName(c.Mailboxes[0])
	switch {
	case many && caps.Has(imap.CapNotify):
		return "notify"
	case caps.Has(imap.CapIdle):
		return "idle"
	}
	return "poll"
}

// sinkService lets the API steer deliveries.
type sinkService struct{ a *App }

// found turns what package deliver says of names into what the API does.
func found(err error) error {
	if errors.Is(err, deliver.ErrUnknownSink) || errors.Is(err, journal.ErrNotFound) {
		return fmt.Errorf("%w: %w", httpapi.ErrNotFound, err)
	}
	return err
}

// Pause implements httpapi.Sinks.
func (s sinkService) Pause(ctx context.Context, sink, reason string) error {
	return found(s.a.out.Pause(ctx, sink, reason))
}

// Resume implements httpapi.Sinks.
func (s sinkService) Resume(ctx context.Context, sink string) error {
	return found(s.a.out.Resume(ctx, sink))
}

// DeadLetters implements httpapi.Sinks.
func (s sinkService) DeadLetters(ctx context.Context, sink string, after journal.Position, limit int) ([]journal.DeadLetter, error) {
	letters, err := s.a.journal.DeadLetters(ctx, sink, after, limit)
	return letters, found(err)
}

// Revive implements httpapi.Sinks.
func (s sinkService) Revive(ctx context.Context, sink string, positions ...journal.Position) (int, error) {
	n, err := s.a.out.Revive(ctx, sink, positions...)
	return n, found(err)
}

// Drop implements httpapi.Sinks.
func (s sinkService) Drop(ctx context.Context, sink string, positions ...journal.Position) (int, error) {
	n, err := s.a.journal.Drop(ctx, sink, positions...)
	return n, found(err)
}

// Failing implements httpapi.Sinks.
func (s sinkService) Failing(ctx context.Context, sink string, after journal.Position, limit int) ([]journal.Pending, error) {
	events, err := s.a.out.Failing(ctx, sink, after, limit)
	return events, found(err)
}

// Skip implements httpapi.Sinks.
func (s sinkService) Skip(ctx context.Context, sink string, ids ...string) (int, error) {
	n, err := s.a.out.Skip(ctx, sink, ids...)
	if errors.Is(err, deliver.ErrNotFailing) {
		err = fmt.Errorf("%w: %w", httpapi.ErrConflict, err)
	}
	return n, found(err)
}

// Replay implements httpapi.Sinks.
func (s sinkService) Replay(ctx context.Context, sink string, r httpapi.ReplayRequest) (int, error) {
	n, err := s.a.out.Replay(ctx, sink, deliver.Selection{
		IDs: r.IDs, From: journal.Position(r.From), To: journal.Position(r.To), Since: r.Since, Until: r.Until,
		Account: r.Account, Types: r.Types,
	})
	return n, found(err)
}
