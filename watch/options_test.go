package watch_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/watch"
)

// Options that cannot be used are one error, at once, which says what is missing.
func TestOptionsThatCannotBeUsed(t *testing.T) {
	addr := imapclient.Options{Addr: "mail.example.org"}
	account := func(o watch.AccountOptions) func(t *testing.T) error {
		return func(t *testing.T) (last error) {
			if err := o.Check(); o.Mailbox == "" && err == nil {
				t.Error("Check finds nothing wrong")
			}
			n := 0
			for _, err := range watch.Account(t.Context(), o) {
				n, last = n+1, err
			}
			if n != 1 {
				t.Errorf("the sequence has %d elements, want the error", n)
			}
			return last
		}
	}
	for name, tt := range map[string]struct {
		try  func(t *testing.T) error
		want string
	}{
		"a mailbox without a server": {func(t *testing.T) (last error) {
			for _, err := range watch.Mailbox(t.Context(), watch.Options{}) {
				last = errors.Join(last, err)
			}
			return last
		}, "watch: Options.Client.Addr is empty"},
		"an account without a server": {account(watch.AccountOptions{}), "watch: Options.Client.Addr is empty"},
		"an account with a mailbox": {
			account(watch.AccountOptions{Options: watch.Options{Client: addr, Mailbox: "Work"}}),
			"watch: AccountOptions.Mailbox is not used: name mailboxes in Patterns",
		},
		"a manager without a handler": {func(*testing.T) error {
			_, err := watch.NewManager(watch.ManagerOptions{})
			return err
		}, "watch: ManagerOptions.Handler is not set"},
		"a manager's account without a server": {func(t *testing.T) (err error) {
			inManager(t, watch.ManagerOptions{}, func(b *managed) { err = b.m.Add(watch.AccountOptions{}) })
			return err
		}, "watch: Options.Client.Addr is empty"},
		"a manager's account twice": {func(t *testing.T) (err error) {
			inManager(t, watch.ManagerOptions{}, func(b *managed) {
				b.add("al", "INBOX")
				o := watch.AccountOptions{Options: b.opts}
				o.Account, o.Mailbox = "al", "INBOX"
				err = b.m.Add(o)
			})
			return err
		}, `watch: there is an account "al" already`},
		"a manager that was closed": {func(t *testing.T) (err error) {
			inManager(t, watch.ManagerOptions{}, func(b *managed) {
				_ = b.m.Close(context.Background())
				err = b.m.Add(watch.AccountOptions{Options: b.opts})
			})
			return err
		}, "the manager was closed"},
		"no login where one is needed": {func(t *testing.T) (err error) {
			inBubble(t, nil, func(b *bench) {
				b.opts.Login = nil
				b.start()
				err = b.stop()
			})
			return err
		}, "the server wants a login, but Options.Login is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.try(t); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// Where the connection is logged in by who makes it, no login is needed.
func TestConnectionThatIsLoggedInAlready(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		dial := b.opts.Dial
		b.opts.Login = nil
		b.opts.Dial = func(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error) {
			c, err := dial(ctx, o)
			if err == nil {
				err = c.Login(ctx, "jo", "secret")
			}
			return c, err
		}
		b.start()
		b.box.Append(mail("one"))
		b.expect("open 0 initial idle", "new 1 one")
	})
}

// A list of mailboxes that cannot be used is not taken for none: all mailboxes would look new.
func TestListOfMailboxesThatCannotBeUsed(t *testing.T) {
	for name, stored := range map[string]string{"no JSON": "hello", "another version": `{"version": 2, "names": {"INBOX": {}}}`} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, nil, func(b *bench) {
				b.opts.KeepTrying = true
				key := watch.Key{Account: "mail.example.org", Kind: watch.MailboxNames}
				if err := b.opts.Store.Save(t.Context(), key, []byte(stored)); err != nil {
					t.Fatal(err)
				}
				b.start()
				b.expectAll()
				var wrong *watch.CheckpointError
				if err := b.stop(); !errors.As(err, &wrong) || wrong.Key != key || !strings.Contains(err.Error(), "list of mailboxes cannot be used") {
					t.Errorf("error %v", err)
				}
				if is, _ := b.opts.Store.Load(t.Context(), key); string(is) != stored {
					t.Errorf("the Store has %s now", is)
				}
			})
		})
	}
}
