package client

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// What LIST puts together for a server without extensions is what a server with them says.
func TestListWithoutExtensionsIsTheSame(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	rich, _ := connected(t, s, "jo", nil)
	o := options(t, s, imapclient.ImplicitTLS)
	o.MaskCapabilities = []imap.Capability{imap.CapListExtended, imap.CapListStatus, imap.CapChildren}
	poor, _ := connected(t, s, "jo", o)

	ctx := within(t, 60*time.Second)
	for _, name := range []string{"Entwürfe/alt & neu", "a", "a/b", "a/b/c", "ab", "x/y/z", "gone"} {
		_, err := rich.Create(ctx, name)
		check(t, err)
	}
	for _, name := range []string{"INBOX", "Entwürfe/alt & neu", "a/b/c", "ab", "x/y/z", "gone"} {
		check(t, rich.Subscribe(ctx, name))
	}
	check(t, rich.Delete(ctx, "gone"))

	for _, patterns := range [][]string{nil, {"%"}, {"a"}, {"a/%"}, {"%", "a/%"}, {"inbox", "x*"}, {"Entwürfe/*"}, {"none"}} {
		for bits := range 16 {
			o := &imap.ListOptions{Patterns: patterns, Subscribed: bits&1 != 0, ReturnChildren: bits&4 != 0, ReturnSubscribed: bits&8 != 0}
			o.RecursiveMatch = o.Subscribed && bits&2 != 0
			if bits&2 != 0 {
				o.ReturnStatus = imap.StatusMessages | imap.StatusUIDValidity
			}
			want, err := rich.List(ctx, o)
			check(t, err)
			got, err := poor.List(ctx, o)
			check(t, err)
			if shown(o, got) != shown(o, want) {
				t.Errorf("%+v:\nby hand %s\nnative  %s", o, shown(o, got), shown(o, want))
			}
		}
	}
}

// shown writes what was asked for, in the order of the names.
func shown(o *imap.ListOptions, rows []*imapclient.Listed) string {
	var all []string
	for _, r := range rows {
		line := fmt.Sprintf("%s selectable=%v info=%v", r.Mailbox, !r.Has(imap.AttrNoSelect), r.ChildInfo)
		if o.Subscribed || o.ReturnSubscribed {
			line += fmt.Sprintf(" subscribed=%v", r.Has(imap.AttrSubscribed))
		}
		if o.ReturnChildren {
			line += fmt.Sprintf(" children=%v,%v", r.Has(imap.AttrHasChildren), r.Has(imap.AttrHasNoChildren))
		}
		if r.Status != nil {
			line += fmt.Sprintf(" messages=%d uidvalidity=%d", r.Status.Messages, r.Status.UIDValidity)
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}
