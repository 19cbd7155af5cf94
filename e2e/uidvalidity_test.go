package e2e

import (
	"testing"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/pushmail"
)

// TestChangedUIDValidityIsAReset takes away the meaning of all known UIDs in the ways this happens.
func TestChangedUIDValidityIsAReset(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		mailbox string
		change  func(t *testing.T, a *account)
	}{
		{"restored from a backup", "INBOX", func(t *testing.T, a *account) {
			_, err := a.server.ChangeUIDValidity(a.user, "INBOX")
			check(t, err)
		}},
		{"deleted and created again", "Work", func(t *testing.T, a *account) {
			s := a.session("INBOX")
			for _, command := range []string{"DELETE Work", "CREATE Work"} {
				_, err := s.Do(command)
				check(t, err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, when := range []struct {
				name string
				up   bool
			}{{"while pushmail is down", false}, {"while pushmail watches", true}} {
				t.Run(when.name, func(t *testing.T) {
					t.Parallel()
					a := newAccount(t, dovecot.Start(t, dovecot.Options{}))
					session, err := a.login() // with nothing selected, so that it outlives the change
					check(t, err)
					defer session.Close()
					if test.mailbox != "INBOX" {
						_, err := session.Do("CREATE " + test.mailbox)
						check(t, err)
					}
					put := func(subject string) {
						t.Helper()
						check(t, func() error { _, err := session.Append(test.mailbox, mail(subject)); return err }())
					}
					put("one")
					url := a.url(a.server.IMAPS, test.mailbox)
					r := a.watchURL(url, "--idle-restart", "2s")
					old := r.Events()[0].Data.UIDValidity
					put("two")
					a.waitNew(r, "two")

					if when.up {
						test.change(t, a)
					} else {
						r.Stop(t)
						test.change(t, a)
						r = a.watchURL(url)
					}
					r.WaitFor(t, patience, "reset event", pushmail.Is(pushmail.Reset))
					put("three")
					if e := a.waitNew(r, "three"); e.Data.UIDValidity == old || e.Data.UIDValidity == 0 {
						t.Errorf("new mail has UIDVALIDITY %d, the old one was %d", e.Data.UIDValidity, old)
					}
					r.Stop(t)
				})
			}
		})
	}
}
