// Package journaltest is what every [journal.Journal] passes.
package journaltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/watch"
	"github.com/pushmail/pushmail/watch/storetest"
)

// Exercise tests a Journal. open returns one on what the last one with the same name has written, as after a restart; it
// closes that one before.
func Exercise(t *testing.T, open func(t *testing.T, name string) journal.Journal) {
	t.Run("Store", func(t *testing.T) {
		storetest.Exercise(t, func(t *testing.T) watch.Store { return open(t, "store") })
	})
	for _, test := range []struct {
		name string
		run  func(e *exercise)
	}{
		{"Append", appends},
		{"Repeated", repeated},
		{"Refused", refused},
		{"Read", reads},
		{"Wait", waits},
		{"Together", together},
		{"Sinks", sinks},
		{"DeadLetters", deadLetters},
		{"Accounts", accounts},
		{"Retain", retains},
		{"Close", closes},
		{"Context", contexts},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := &exercise{T: t, open: func() journal.Journal { return open(t, test.name) }}
			e.Journal = e.open()
			test.run(e)
		})
	}
}

// exercise is one test on a journal of its own.
type exercise struct {
	*testing.T
	journal.Journal
	open func() journal.Journal
}

var bg = context.Background()

func (e *exercise) reopen() { e.Journal = e.open() }

// Box is the key of a mailbox of an account.
func box(account, mailbox string) watch.Key { return watch.Key{Account: account, Mailbox: mailbox} }

// record makes an event of a mailbox of jo with an id.
func record(mailbox, id string) journal.Record {
	return recordOf("jo", mailbox, "mail.message.new", id)
}

func recordOf(account, mailbox, typ, id string) journal.Record {
	return journal.Record{
		ID: id, Type: typ, Account: account, Mailbox: mailbox, Source: "imap://" + account + "@h/" + mailbox,
		Time: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), JSON: []byte(`{"id":"` + id + `"}`),
	}
}

func (e *exercise) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *exercise) append(key watch.Key, checkpoint string, records ...journal.Record) {
	e.Helper()
	var value []byte
	if checkpoint != "" {
		value = []byte(checkpoint)
	}
	e.must(e.Append(bg, key, records, value))
}

// expect compares what is read after a position with lines such as "3 id".
func (e *exercise) expect(after journal.Position, limit int, f journal.Filter, want ...string) []journal.Record {
	e.Helper()
	got, err := e.Read(bg, after, limit, f)
	e.must(err)
	var lines []string
	for _, r := range got {
		lines = append(lines, fmt.Sprint(r.Position, " ", r.ID))
	}
	if !slices.Equal(lines, want) {
		e.Errorf("reading %d after %d, %+v: %q, want %q", limit, after, f, lines, want)
	}
	return got
}

func (e *exercise) ends(first, last journal.Position) {
	e.Helper()
	f, err := e.First(bg)
	e.must(err)
	l, err := e.Last(bg)
	e.must(err)
	if f != first || l != last {
		e.Errorf("from %d to %d, want %d to %d", f, l, first, last)
	}
}

func (e *exercise) checkpoint(key watch.Key, want string) {
	e.Helper()
	got, err := e.Load(bg, key)
	e.must(err)
	if string(got) != want {
		e.Errorf("checkpoint %q, want %q", got, want)
	}
}

var all = journal.Filter{}

func appends(e *exercise) {
	e.ends(0, 0)
	e.expect(0, 10, all)
	e.append(box("jo", "A"), "1", record("A", "a"), record("A", "b"))
	e.append(box("jo", "B"), "", record("B", "c"))
	e.append(watch.Key{}, "", record("B", "d"))
	e.append(box("jo", "A"), "2")
	check := func() {
		e.Helper()
		e.ends(1, 4)
		e.checkpoint(box("jo", "A"), "2")
		e.checkpoint(box("jo", "B"), "")
		got := e.expect(0, 10, all, "1 a", "2 b", "3 c", "4 d")
		want := record("A", "a")
		want.Position, want.RecordedAt = 1, got[0].RecordedAt
		if time.Since(got[0].RecordedAt).Abs() > time.Minute || !got[0].Time.Equal(want.Time) || string(got[0].JSON) != string(want.JSON) {
			e.Errorf("record %+v", got[0])
		}
		got[0].Time, got[0].JSON, want.Time, want.JSON = time.Time{}, nil, time.Time{}, nil
		if fmt.Sprint(got[0]) != fmt.Sprint(want) {
			e.Errorf("record %+v, want %+v", got[0], want)
		}
		r, err := e.Find(bg, "c")
		if err != nil || r.Position != 3 {
			e.Errorf("found %+v, %v", r, err)
		}
		if _, err := e.Find(bg, "z"); !errors.Is(err, journal.ErrNotFound) {
			e.Errorf("finding what is not there: %v", err)
		}
	}
	check()
	e.reopen()
	check()
}

func repeated(e *exercise) {
	e.append(box("jo", "A"), "", record("A", "a"), record("A", "b"))
	e.reopen()
	e.append(box("jo", "A"), "1", record("A", "a"), record("A", "b"), record("A", "c"), record("A", "c"))
	e.expect(0, 10, all, "1 a", "2 b", "3 c")
	e.checkpoint(box("jo", "A"), "1")
}

func refused(e *exercise) {
	whole := record("A", "a")
	for what, spoil := range map[string]func(*journal.Record){
		"no id":     func(r *journal.Record) { r.ID = "" },
		"no type":   func(r *journal.Record) { r.Type = "" },
		"no source": func(r *journal.Record) { r.Source = "" },
		"no JSON":   func(r *journal.Record) { r.JSON = nil },
		"too big":   func(r *journal.Record) { r.JSON = make([]byte, journal.MaxJSON+1) },
	} {
		r := whole
		spoil(&r)
		if err := e.Append(bg, box("jo", "A"), []journal.Record{record("A", "fine"), r}, []byte("1")); err == nil {
			e.Errorf("an event with %s was taken", what)
		}
	}
	e.expect(0, 10, all)
	e.checkpoint(box("jo", "A"), "")
	big := whole
	big.JSON = []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	e.append(box("jo", "A"), "1", big)
	if got := e.expect(0, 1, all, "1 a"); len(got[0].JSON) != len(big.JSON) {
		e.Errorf("%d bytes, want %d", len(got[0].JSON), len(big.JSON))
	}
}

func reads(e *exercise) {
	for i := range 5 {
		n := fmt.Sprint(i)
		e.append(watch.Key{}, "",
			recordOf("jo", "A", "new", "ja"+n), recordOf("jo", "B", "flags", "jb"+n), recordOf("al", "A", "new", "aa"+n), recordOf("al", "", "link", "a"+n))
	}
	e.expect(0, 3, all, "1 ja0", "2 jb0", "3 aa0")
	e.expect(18, 3, all, "19 aa4", "20 a4")
	e.expect(20, 3, all)
	e.expect(99, 3, all)
	e.expect(0, 0, all)
	e.expect(0, 3, journal.Filter{Account: "jo"}, "1 ja0", "2 jb0", "5 ja1")
	e.expect(5, 3, journal.Filter{Account: "jo"}, "6 jb1", "9 ja2", "10 jb2")
	e.expect(0, 3, journal.Filter{Account: "jo", Mailbox: "B"}, "2 jb0", "6 jb1", "10 jb2")
	e.expect(0, 4, journal.Filter{Mailbox: "A"}, "1 ja0", "3 aa0", "5 ja1", "7 aa1")
	e.expect(9, 9, journal.Filter{Source: "imap://al@h/"}, "12 a2", "16 a3", "20 a4")
	e.expect(0, 4, journal.Filter{Types: []string{"link", "flags", "link"}}, "2 jb0", "4 a0", "6 jb1", "8 a1")
	e.expect(0, 4, journal.Filter{Types: []string{"new", "flags"}, Account: "al"}, "3 aa0", "7 aa1", "11 aa2", "15 aa3")
	e.expect(0, 4, journal.Filter{Types: []string{"other"}})
	e.expect(0, 4, journal.Filter{Account: "nobody"})
	e.expect(18, 9, journal.Filter{Since: time.Now().Add(-time.Hour)}, "19 aa4", "20 a4")
	e.expect(0, 9, journal.Filter{Since: time.Now().Add(time.Hour)})
	e.expect(0, 9, journal.Filter{Since: time.Now().Add(time.Hour), Account: "jo"})
}

func waits(e *exercise) {
	e.append(watch.Key{}, "", record("A", "a"))
	e.must(e.Wait(bg, 0))
	done := make(chan error)
	for after := range 3 {
		go func() { done <- e.Wait(bg, journal.Position(1+after)) }()
	}
	e.append(box("jo", "A"), "1") // no event
	e.append(watch.Key{}, "", record("A", "b"), record("A", "c"), record("A", "d"))
	for range 3 {
		e.must(<-done)
	}
	ctx, cancel := context.WithCancelCause(bg)
	go func() { done <- e.Wait(ctx, 4) }()
	why := errors.New("enough")
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		e.Errorf("waiting came to %v", err)
	}
}

// together has many write at once: each finds its events in order, and its last checkpoint.
func together(e *exercise) {
	const writers, writes = 16, 20
	var wg sync.WaitGroup
	for w := range writers {
		name := fmt.Sprint("box", w)
		wg.Go(func() {
			for i := range writes {
				r := record(name, fmt.Sprint(name, " ", i))
				if err := e.Append(bg, box("jo", name), []journal.Record{r}, fmt.Append(nil, i)); err != nil {
					e.Error(err)
				}
			}
		})
	}
	wg.Wait()
	e.reopen()
	e.ends(1, writers*writes)
	got, err := e.Read(bg, 0, 1000, all)
	e.must(err)
	next := map[string]int{}
	for i, r := range got {
		if r.Position != journal.Position(i+1) {
			e.Fatalf("position %d is that of the %dth", r.Position, i+1)
		}
		if want := fmt.Sprint(r.Mailbox, " ", next[r.Mailbox]); r.ID != want {
			e.Errorf("%q, want %q", r.ID, want)
		}
		next[r.Mailbox]++
	}
	for w := range writers {
		e.checkpoint(box("jo", fmt.Sprint("box", w)), fmt.Sprint(writes-1))
	}
}

func accounts(e *exercise) {
	e.must(e.PutAccount(bg, "jo", []byte("one")))
	e.must(e.PutAccount(bg, "al", []byte{0, 255}))
	e.must(e.PutAccount(bg, "jo", []byte("two")))
	e.append(box("jo", "A"), "1", record("A", "a"))
	e.append(box("al", "A"), "1")
	e.reopen()
	got, err := e.Accounts(bg)
	e.must(err)
	if len(got) != 2 || got[0].Name != "al" || string(got[0].Sealed) != "\x00\xff" || string(got[1].Sealed) != "two" || time.Since(got[1].UpdatedAt).Abs() > time.Minute {
		e.Errorf("accounts %+v", got)
	}
	e.must(e.DeleteAccount(bg, "jo"))
	if err := e.DeleteAccount(bg, "jo"); !errors.Is(err, journal.ErrNotFound) {
		e.Errorf("deleting an account twice: %v", err)
	}
	e.checkpoint(box("jo", "A"), "1")
	e.must(e.ForgetCheckpoints(bg, "jo"))
	e.checkpoint(box("jo", "A"), "")
	e.checkpoint(box("al", "A"), "1")
	e.expect(0, 9, all, "1 a")
}

func closes(e *exercise) {
	e.append(box("jo", "A"), "1", record("A", "a"))
	done := make(chan error)
	go func() { done <- e.Wait(bg, 1) }()
	j := e.Journal
	e.must(j.Close())
	if err := <-done; !errors.Is(err, journal.ErrClosed) {
		e.Errorf("waiting came to %v", err)
	}
	if err := j.Append(bg, box("jo", "A"), nil, []byte("2")); !errors.Is(err, journal.ErrClosed) {
		e.Errorf("writing came to %v", err)
	}
	if _, err := j.Load(bg, box("jo", "A")); !errors.Is(err, journal.ErrClosed) {
		e.Errorf("loading came to %v", err)
	}
	e.must(j.Close())
	e.reopen()
	e.expect(0, 9, all, "1 a")
}

func contexts(e *exercise) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(bg)
	cancel(why)
	if err := e.Append(ctx, box("jo", "A"), []journal.Record{record("A", "a")}, nil); !errors.Is(err, why) {
		e.Errorf("writing came to %v", err)
	}
	if _, err := e.Read(ctx, 0, 1, all); !errors.Is(err, why) {
		e.Errorf("reading came to %v", err)
	}
	e.expect(0, 9, all)
}
