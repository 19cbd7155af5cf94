package account_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/pushmail/pushmail/internal/status"
)

// hang has an account that is watched be unable to end until release is called: the disk does not take its checkpoint.
func (w *world) hang(name string) (release func()) {
	w.t.Helper()
	u := w.add(name, "INBOX")
	u.Mailbox("Work")
	release = w.disk.hang()
	u.Mailbox("INBOX").Append(mail("one"))
	w.wait(time.Second)
	return release
}

// within is a context as that of a reload.
func within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeoutCause(context.Background(), d, errors.New("not done in time"))
	context.AfterFunc(ctx, cancel)
	return ctx
}

func (w *world) watched() (all []string) {
	for _, st := range w.set.Status() {
		for _, m := range st.Mailboxes {
			all = append(all, st.Name+" "+m.Name)
			if !m.Up {
				w.t.Errorf("%s %q is not up: %s", st.Name, m.Name, m.Reason)
			}
		}
	}
	return all
}

func TestAnAccountThatTakesItsTimeToEndIsWatchedAgainByItself(t *testing.T) {
	inWorld(t, func(w *world) {
		release := w.hang("jo")
		began := time.Now()
		for _, mailbox := range []string{"INBOX", "Work"} { // the last settings count
			if err := w.set.Watch(within(2*time.Minute), w.options("jo", mailbox)); err != nil {
				t.Error(err)
			}
		}
		if d := time.Since(began); d != 4*time.Minute {
			t.Errorf("Watch came back after %v", d)
		}
		if st := w.set.Status(); len(st) != 1 || st[0].Name != "jo" || !st[0].Ending.Equal(began) || st[0].Err != "" {
			t.Errorf("meanwhile: %+v", st)
		}
		if names := w.set.Names(); !slices.Equal(names, []string{"jo"}) {
			t.Errorf("meanwhile there are %q", names)
		}
		release()
		w.wait(time.Minute)
		if got := w.watched(); !slices.Equal(got, []string{"jo Work"}) {
			t.Errorf("watched are %q", got)
		}
		w.jo().Mailbox("Work").Append(mail("two"))
		w.wait(time.Minute)
		if got := w.disk.of(created); len(got) != 2 {
			t.Errorf("records %q, want one of before and one of after", got)
		}
	})
}

func TestAnAccountThatTakesItsTimeToEndCanBeRemovedMeanwhile(t *testing.T) {
	for name, again := range map[string]bool{"for good": false, "and watched again": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				release := w.hang("jo")
				if err := w.set.Watch(within(time.Minute), w.options("jo", "INBOX")); err != nil {
					t.Error(err)
				}
				if there, err := w.set.Remove(within(time.Minute), "jo"); !there || err == nil {
					t.Errorf("removing: %v, %v", there, err)
				}
				if there, err := w.set.Remove(within(time.Minute), "jo"); there || err == nil {
					t.Errorf("removing what was removed, and has not ended: %v, %v", there, err)
				}
				if st := w.set.Status(); len(st) != 0 || len(w.set.Names()) != 0 {
					t.Errorf("meanwhile: %+v", st)
				}
				var want []string
				if again {
					want = []string{"jo INBOX"}
					if err := w.set.Watch(within(time.Minute), w.options("jo", "INBOX")); err != nil {
						t.Error(err)
					}
				}
				release()
				w.wait(time.Minute)
				if got := w.watched(); !slices.Equal(got, want) {
					t.Errorf("watched are %q, want %q", got, want)
				}
				if there, err := w.set.Remove(within(time.Minute), "jo"); there != again || err != nil {
					t.Errorf("removing at last: %v, %v", there, err)
				}
			})
		})
	}
}

func TestASetIsClosedWhileAnAccountTakesItsTimeToEnd(t *testing.T) {
	for name, patience := range map[string]time.Duration{"and it ends": time.Hour, "and does not": time.Minute} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				release := w.hang("jo")
				if err := w.set.Watch(within(time.Minute), w.options("jo", "INBOX")); err != nil {
					t.Error(err)
				}
				closed := make(chan error)
				go func() { closed <- w.set.Close(within(patience)) }()
				if patience == time.Minute {
					if err := <-closed; err == nil {
						t.Error("closed though an account has not ended")
					}
					release()
				} else {
					release()
					if err := <-closed; err != nil {
						t.Error(err)
					}
				}
				w.wait(time.Hour)
				if n := len(w.server.Sessions()); n != 0 {
					t.Errorf("%d connections after Close", n)
				}
			})
		})
	}
}

func TestTroubleOfAnAccountThatTakesItsTimeToEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		release := w.hang("jo")
		board := status.NewBoard("")
		board.Report(status.Sources{Accounts: w.set.Status})
		began := time.Now()
		if err := w.set.Watch(within(2*time.Minute), w.options("jo", "INBOX")); err != nil {
			t.Error(err)
		}
		for _, want := range []status.State{status.Reconnecting, status.Down} {
			a, _ := board.Account("jo")
			if a.State != want || a.Trouble == nil || a.Trouble.Class != "ending" || !a.Trouble.Since.Equal(began) {
				t.Errorf("%s, trouble %+v; want %s", a.State, a.Trouble, want)
			}
			w.wait(15 * time.Minute)
		}
		release()
		w.wait(time.Minute)
		if a, _ := board.Account("jo"); a.State != status.Up || a.Trouble != nil {
			t.Errorf("%s, trouble %+v", a.State, a.Trouble)
		}
	})
}
