package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/journal/sqlite"
	"github.com/pushmail/pushmail/watch"
)

// JournalSpeed is how many appends a second the journal takes, each an event with its checkpoint, next to a bare loop.
type JournalSpeed struct {
	Writers   int     `json:"writers"` // 0 is the bare loop: write 4096 bytes, fsync
	PerSecond float64 `json:"appends_per_second"`
	PerCommit float64 `json:"appends_per_commit"`
}

// appendsFor is for how long each is measured.
const appendsFor = 2 * time.Second

// appends measures on the file system of dir: the bare loop, the journal, and the bare loop again, since disks have moods.
func appends(ctx context.Context, dir string) (speeds []JournalSpeed, err error) {
	bare, err := bareLoop(dir)
	if err != nil {
		return nil, err
	}
	speeds = append(speeds, bare)
	for _, writers := range []int{1, 16, 256} {
		s, err := journalLoop(ctx, filepath.Join(dir, fmt.Sprintf("append%d.db", writers)), writers)
		if err != nil {
			return nil, err
		}
		speeds = append(speeds, s)
	}
	bare, err = bareLoop(dir)
	return append(speeds, bare), err
}

func bareLoop(dir string) (s JournalSpeed, err error) {
	f, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		return s, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	n, began := 0, time.Now()
	for ; time.Since(began) < appendsFor; n++ {
		if _, err := f.Write(page); err != nil {
			return s, err
		}
		if err := f.Sync(); err != nil {
			return s, err
		}
	}
	return JournalSpeed{PerSecond: float64(n) / time.Since(began).Seconds(), PerCommit: 1}, nil
}

// journalLoop has writers append, each to a mailbox of its own, one after the other as the daemon does.
func journalLoop(ctx context.Context, path string, writers int) (s JournalSpeed, err error) {
	j, err := sqlite.Open(ctx, path)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	before, err := j.Stats(ctx)
	if err != nil {
		return s, err
	}
	var running sync.WaitGroup
	var n atomic.Int64
	errs := make([]error, writers)
	began := time.Now()
	for i := range writers {
		running.Go(func() {
			for uid := imap.UID(1); time.Since(began) < appendsFor && errs[i] == nil; uid++ {
				errs[i] = appendOne(ctx, j, fmt.Sprint(i), uid)
				n.Add(1)
			}
		})
	}
	running.Wait()
	took := time.Since(began).Seconds()
	after, err := j.Stats(ctx)
	return JournalSpeed{
		Writers: writers, PerSecond: float64(n.Load()) / took, PerCommit: float64(n.Load()) / float64(max(after.Commits-before.Commits, 1)),
	}, errors.Join(append(errs, err)...)
}

func appendOne(ctx context.Context, j *sqlite.Journal, account string, uid imap.UID) error {
	ev := watch.Event{
		Type: watch.MessageNew, Account: account, User: account, Host: "mail.example.org", Mailbox: "INBOX", UIDValidity: 1, UID: uid, Time: time.Now(),
		Message: &event.Summary{Size: 2301, Envelope: &event.Envelope{
			Subject: "Lunch tomorrow?", MessageID: fmt.Sprintf("<%d.%s@example.org>", uid, account), From: []event.Address{{Address: "jo@example.org"}},
		}},
	}
	r, err := journal.NewRecord(account, "INBOX", ev.CloudEvent())
	if err != nil {
		return err
	}
	checkpoint, err := json.Marshal(map[string]any{"uidvalidity": 1, "uid": uid, "modseq": uid, "exists": uid, "known": "some hundred bytes of what is known of a mailbox"})
	if err != nil {
		return err
	}
	return j.Append(ctx, watch.Key{Account: account, Mailbox: "INBOX"}, []journal.Record{r}, checkpoint)
}
