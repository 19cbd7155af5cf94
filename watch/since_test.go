package watch_test

import (
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

func TestMailFromBeforeTheFirstStart(t *testing.T) {
	noon := time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		since time.Time
		want  []string
	}{
		{"none", time.Time{}, nil},
		{"all", watch.Everything, []string{"new 1 long ago", "new 3 yesterday", "new 4 morning", "new 5 noon"}},
		{"since noon", noon, []string{"new 5 noon"}},
		{"since six", noon.Add(-6 * time.Hour), []string{"new 4 morning", "new 5 noon"}},
		{"since tomorrow", noon.AddDate(0, 0, 1), nil},
	} {
		for _, rung := range []struct {
			name string
			o    *imaptest.ServerOptions
		}{
			{"qresync", nil},
			{"uid-diff", &imaptest.ServerOptions{Without: imap.Capabilities{imap.CapQResync, imap.CapCondStore, imap.CapESearch}}},
		} {
			t.Run(tt.name+" "+rung.name, func(t *testing.T) {
				inBubble(t, rung.o, func(b *bench) {
					b.box.AppendAt(noon.AddDate(-3, 0, 0), mail("long ago"))
					b.box.AppendAt(noon, mail("gone"))
					b.box.AppendAt(noon.AddDate(0, 0, -1), mail("yesterday"))
					b.box.AppendAt(noon.Add(-3*time.Hour), mail("morning"))
					b.box.AppendAt(noon, mail("noon"))
					b.box.Expunge(2)
					b.opts.Since = tt.since
					b.start()
					b.expect(append([]string{"open 4 initial idle"}, tt.want...)...)
					b.box.Append(mail("after"))
					b.expect("new 6 after")
					b.stop()
					b.opts.Since = watch.Everything // means nothing where there is a checkpoint
					b.start()
					b.expect("open 5 " + rung.name + " idle")
				})
			})
		}
	}
}

// Whoever leaves in the middle of the old mail gets the rest of it the next time, with the ids that it had.
func TestMailFromBeforeTheFirstStartIsResumed(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		for _, subject := range []string{"one", "two", "three"} {
			b.box.Append(mail(subject))
		}
		b.opts.Since = watch.Everything
		b.stopAt = func(ev watch.Event) bool { return ev.UID == 2 }
		b.start()
		first := b.expect("open 3 initial idle", "new 1 one", "new 2 two")
		b.stop()
		b.stopAt = nil
		b.start()
		again := b.expect("open 3 uid-diff idle", "new 2 two", "new 3 three")
		if first[2].ID != again[1].ID {
			t.Error("the id has changed")
		}
	})
}
