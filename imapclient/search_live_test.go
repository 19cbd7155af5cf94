package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

const contexts = "IDLE ESEARCH SORT ESORT CONTEXT=SEARCH CONTEXT=SORT"

func TestSearchLive(t *testing.T) {
	var told []string
	note := func(u imap.ESearchUpdate) { told = append(told, fmt.Sprint(u.Remove, " ", u.Position, " ", u.Nums)) }
	o := plain()
	o.Handler = func(r imap.Response) {
		if _, ok := r.(imap.Expunge); ok {
			told = append(told, "expunged")
		}
	}
	sessionOn(t, contexts, `
		C: {c} UID SEARCH RETURN (ALL UPDATE) DELETED KEYWORD $Junk
		S: * ESEARCH (TAG "{c}") UID ALL 5:7,9
		S: * ESEARCH (TAG "{c}") UID ADDTO (0 12)
		S: {c} OK done, will notify
		C: {d} NOOP
		S: * ESEARCH (TAG "{c}") UID ADDTO (0 32768:32769) REMOVEFROM (0 6)
		S: * ESEARCH (TAG "nobody") UID ADDTO (0 100)
		S: * 2 EXPUNGE
		S: * ESEARCH (TAG "{c}") UID REMOVEFROM (3 9 0 12)
		S: {d} OK done
		C: {e} IDLE
		S: + idling
		S: * ESEARCH (TAG "{c}") UID ADDTO (0 1:4)
		C: DONE
		S: {e} OK done
		C: {f} CANCELUPDATE "{c}"
		S: * ESEARCH (TAG "{c}") UID REMOVEFROM (0 5)
		S: {f} OK done
		C: {g} NOOP
		S: * ESEARCH (TAG "{c}") UID ADDTO (0 77)
		S: {g} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		l, err := c.SearchLive(ctx, imap.And(imap.WithFlag(imap.FlagDeleted), imap.WithFlag("$Junk")), &imapclient.LiveOptions{OnUpdate: note})
		if err != nil {
			t.Fatal(err)
		}
		expect := func(when, want string) {
			t.Helper()
			if got := l.UIDs().String(); got != want || l.Order().String() != want {
				t.Errorf("%s: got %s, want %s", when, got, want)
			}
		}
		expect("at first", "5:7,9,12")
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
		expect("after NOOP", "5,7,32768:32769")
		if err := c.Wait(ctx); err != nil {
			t.Error(err)
		}
		expect("after Wait", "1:5,7,32768:32769")
		if l.Err() != nil {
			t.Error(l.Err())
		}
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
		expect("closed", "1:4,7,32768:32769")
		if !errors.Is(l.Err(), imapclient.ErrUpdatesEnded) {
			t.Errorf("closed: %v", l.Err())
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
		expect("closed and over", "1:4,7,32768:32769")
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
		want := "[false 0 12 false 0 32768:32769 true 0 6 expunged true 3 9 true 0 12 false 0 1:4 true 0 5]"
		if fmt.Sprint(told) != want {
			t.Errorf("told %v\nwant %s", told, want)
		}
	})
}

func TestSearchLiveSorted(t *testing.T) {
	for _, test := range []struct{ name, updates, want string }{
		{"none", "", "2734,2735,9"},
		// RFC 5267 section 4.3.3: these three are the same.
		{"one by one", "ADDTO (1 2733 1 2732 1 2731)", "2731:2735,9"},
		{"in two items", "ADDTO (1 2733) ADDTO (1 2731:2732)", "2731:2735,9"},
		{"a range", "ADDTO (1 2731:2733)", "2731:2735,9"},
		{"in an order", "ADDTO (2 7,3,5)", "2734,7,3,5,2735,9"},
		{"at the end", "ADDTO (4 10)", "2734:2735,9:10"},
		{"billions", "ADDTO (4 3000000000:4294967295)", "2734:2735,9,3000000000:4294967295"},
		{"removed", "REMOVEFROM (2 2735)", "2734,9"},
		{"removed from a place, in an order", "ADDTO (1 7,3) REMOVEFROM (2 3,2734)", "7,2735,9"},
		{"removed wherever it is", "REMOVEFROM (0 9,2734)", "2735"},
		{"removed all", "REMOVEFROM (1 2734:2735 1 9)", ""},
		{"removed and put elsewhere", "REMOVEFROM (3 9) ADDTO (1 9)", "9,2734:2735"},

		{"beyond the end", "ADDTO (5 10)", "lost"},
		{"without a place", "ADDTO (0 10)", "lost"},
		{"what is there already", "ADDTO (1 9)", "lost"},
		{"removed what is elsewhere", "REMOVEFROM (1 2735)", "lost"},
		{"removed what is not there", "REMOVEFROM (4 10)", "lost"},
		{"cannot be read", "ADDTO (1 x)", "lost"},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := `
				C: {c} UID SORT RETURN (ALL UPDATE) (REVERSE DATE) US-ASCII UNSEEN
				S: * ESEARCH (TAG "{c}") UID ALL 2734:2735,9
				S: {c} OK done
				C: {d} NOOP
			`
			if test.updates != "" {
				script += "\n" + `S: * ESEARCH (TAG "{c}") UID ` + test.updates
			}
			sessionOn(t, contexts, script+"\nS: {d} OK done\n", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				l, err := c.SearchLive(ctx, imap.WithoutFlag(imap.FlagSeen), &imapclient.LiveOptions{Sort: by("REVERSE DATE")})
				if err == nil {
					err = c.Noop(ctx)
				}
				if err != nil {
					t.Error(err)
					return
				}
				want := test.want
				if test.want == "lost" {
					want = "2734:2735,9"
					if !errors.Is(l.Err(), imapclient.ErrUpdatesLost) {
						t.Errorf("error %v", l.Err())
					}
				} else if l.Err() != nil {
					t.Error(l.Err())
				}
				if want == "2734,2735,9" {
					want = "2734:2735,9"
				}
				if got := l.Order().String(); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		})
	}
}

func TestSearchLiveIsRefusedUpdates(t *testing.T) {
	sessionOn(t, contexts, `
		C: {c} UID SORT RETURN (ALL UPDATE) (DATE) US-ASCII ALL
		S: * ESEARCH (TAG "{c}") UID ALL 7,5
		S: * NO [NOUPDATE "{c}"] Too many contexts
		S: {c} OK Search completed, will not notify.
		C: {d} NOOP
		S: * ESEARCH (TAG "{c}") UID ADDTO (1 9)
		S: {d} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		l, err := c.SearchLive(ctx, imap.All(), &imapclient.LiveOptions{Sort: by("DATE")})
		if !errors.Is(err, imapclient.ErrUpdatesRefused) || l.Order().String() != "7,5" {
			t.Errorf("got %v (%v)", l.Order(), err)
		}
		if err := c.Noop(ctx); err != nil || l.Order().String() != "7,5" {
			t.Errorf("got %v (%v)", l.Order(), err)
		}
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestSearchLiveEndsWithTheMailbox(t *testing.T) {
	var h heard
	o := plain()
	o.Handler = h.handle
	sessionOn(t, contexts, `
		C: {c} UID SEARCH RETURN (ALL UPDATE) ALL
		S: * ESEARCH (TAG "{c}") UID ALL 5:7
		S: {c} OK done
		C: {d} EXAMINE other
		S: * 0 EXISTS
		S: {d} OK done
		C: {e} NOOP
		S: * ESEARCH (TAG "{c}") UID ADDTO (0 9)
		S: {e} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		l, err := c.SearchLive(ctx, imap.All(), nil)
		if err == nil {
			_, err = c.Select(ctx, "other", &imap.SelectOptions{ReadOnly: true})
		}
		if err != nil {
			t.Fatal(err)
		}
		if !errors.Is(l.Err(), imapclient.ErrUpdatesEnded) {
			t.Errorf("error %v", l.Err())
		}
		h = nil
		if err := c.Noop(ctx); err != nil || l.UIDs().String() != "5:7" || len(h) != 1 {
			t.Errorf("got %v, the Handler heard %q (%v)", l.UIDs(), h, err)
		}
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
		c.Close()
		if !errors.As(l.Err(), new(*imapclient.ClosedError)) {
			t.Errorf("error %v", l.Err())
		}
	})
}

func TestSearchLiveOfMany(t *testing.T) {
	sessionOn(t, contexts, `
		C: {a} UID SEARCH RETURN (ALL UPDATE) SEEN
		S: * ESEARCH (TAG "{a}") UID ALL 1
		S: {a} OK done
		C: {b} UID SEARCH RETURN (ALL UPDATE) DRAFT
		S: * ESEARCH (TAG "{a}") UID ADDTO (0 2)
		S: * ESEARCH (TAG "{b}") UID
		S: {b} OK done
		C: {c} UID SEARCH RETURN (ALL UPDATE) FLAGGED
		S: {c} NO not now
		C: {d} NOOP
		S: * ESEARCH (TAG "{b}") UID ADDTO (0 3)
		S: * ESEARCH (TAG "{a}") UID ADDTO (0 3)
		S: {d} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		seen, err1 := c.SearchLive(ctx, imap.WithFlag(imap.FlagSeen), nil)
		draft, err2 := c.SearchLive(ctx, imap.WithFlag(imap.FlagDraft), nil)
		if flagged, err := c.SearchLive(ctx, imap.WithFlag(imap.FlagFlagged), nil); flagged != nil || err == nil {
			t.Error("no error")
		}
		if err := errors.Join(err1, err2, c.Noop(ctx)); err != nil || seen.UIDs().String() != "1:3" || draft.UIDs().String() != "3" {
			t.Errorf("got %v and %v (%v)", seen.UIDs(), draft.UIDs(), err)
		}
	})
}

func TestSearchLiveNeedsTheExtension(t *testing.T) {
	for _, test := range []struct {
		caps string
		o    imapclient.LiveOptions
		want imap.Capability
	}{
		{"ESEARCH CONTEXT=SORT SORT", imapclient.LiveOptions{}, "CONTEXT=SEARCH"},
		{"CONTEXT=SEARCH", imapclient.LiveOptions{}, "ESEARCH"},
		{"ESEARCH CONTEXT=SEARCH SORT", imapclient.LiveOptions{Sort: by("DATE")}, "CONTEXT=SORT"},
		{"CONTEXT=SORT", imapclient.LiveOptions{Sort: by("DATE")}, "SORT"},
		{"SORT CONTEXT=SORT", imapclient.LiveOptions{Sort: by("DISPLAYTO")}, "SORT=DISPLAY"},
	} {
		sessionOn(t, test.caps, "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
			_, err := c.SearchLive(ctx, imap.All(), &test.o)
			if e, ok := errors.AsType[*imapclient.UnsupportedError](err); !ok || e.Capability != test.want || !imapclient.SafeToRetry(err) {
				t.Errorf("%s: error %v, want one for %s", test.caps, err, test.want)
			}
		})
	}
}
