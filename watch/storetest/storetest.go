// Package storetest is what every [watch.Store] passes: run it on yours.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/pushmail/pushmail/watch"
)

// Exercise tests a Store. open returns one on what the last one that it returned has stored, as after a restart, or an empty
// one the first time; for a Store that forgets, the same one again. It ends what it has opened before itself.
func Exercise(t *testing.T, open func(t *testing.T) watch.Store) {
	t.Helper()
	ctx := context.Background()
	s := open(t)
	load := func(key watch.Key, want []byte) {
		t.Helper()
		got, err := s.Load(ctx, key)
		if err != nil {
			t.Errorf("loading %q: %v", key, err)
		}
		if (got == nil) != (want == nil) || !bytes.Equal(got, want) {
			t.Errorf("%q has %q, want %q", key, got, want)
		}
	}
	save := func(key watch.Key, value []byte) {
		t.Helper()
		if err := s.Save(ctx, key, value); err != nil {
			t.Errorf("saving %q: %v", key, err)
		}
	}

	// Keys that must be kept apart, however they are written down.
	keys := []watch.Key{
		{Account: "jo", Mailbox: "INBOX"},
		{Account: "jo", Mailbox: "INBOX", Kind: watch.SeenMessages},
		{Account: "jo", Mailbox: "INBOXseen"},
		{Account: "jo", Mailbox: "inbox"},
		{Account: "jo", Mailbox: "INBOX/"},
		{Account: "jo", Mailbox: "../INBOX"},
		{Account: "jo", Mailbox: "INBOX\x00"},
		{Account: "jo", Mailbox: "Entwürfe"},
		{Account: "jo", Mailbox: "100%_'\"; DROP TABLE"},
		{Account: "jo", Kind: watch.MailboxNames},
		{Account: "jo"},
		{Account: "j", Mailbox: "oINBOX"},
		{Account: "joINBOX"},
	}
	for _, key := range keys {
		load(key, nil)
	}
	for i, key := range keys {
		save(key, fmt.Appendf(nil, "value %d\x00\xff", i))
	}
	for i, key := range keys {
		load(key, fmt.Appendf(nil, "value %d\x00\xff", i))
	}

	// What is saved replaces what was, also with less.
	long := bytes.Repeat([]byte("long "), 100_000)
	save(keys[0], long)
	load(keys[0], long)
	save(keys[0], []byte("short"))
	load(keys[0], []byte("short"))

	// The Store keeps no hold of what it was given.
	value := []byte("before")
	save(keys[1], value)
	copy(value, "behind")
	load(keys[1], []byte("before"))

	s = open(t)
	load(keys[0], []byte("short"))
	load(keys[1], []byte("before"))
	load(keys[2], []byte("value 2\x00\xff"))

	// Different keys may be used at the same time.
	var all sync.WaitGroup
	for i := range 16 {
		key := watch.Key{Account: "al", Mailbox: fmt.Sprint("box ", i)}
		all.Go(func() {
			for n := range 10 {
				want := fmt.Appendf(nil, "%d of %d", n, i)
				if err := s.Save(ctx, key, want); err != nil {
					t.Errorf("saving %q: %v", key, err)
				}
				if got, err := s.Load(ctx, key); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%q has %q (%v), want %q", key, got, err, want)
				}
			}
		})
	}
	all.Wait()
}
