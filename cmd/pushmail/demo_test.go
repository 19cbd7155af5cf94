package main

import (
	"errors"
	"math/rand/v2"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/watch"
)

func TestDemoLosesNothing(t *testing.T) {
	t.Parallel()
	for _, seed := range []string{"1", "7"} {
		w := &world{env: []string{"HOME=" + t.TempDir(), "PATH=/usr/bin"}}
		s := w.start(t, "demo", "--for", "2s", "--every", "10ms", "--seed", seed)
		code := s.end()
		text := s.err.text()
		if code != exitOK || !strings.Contains(text, "each exactly once") || !strings.Contains(text, "mended by itself") {
			t.Errorf("seed %s: exit code %d:\n%s", seed, code, text)
		}
		for _, kind := range []string{"new ", "flags ", "expunge ", "link     down", "link     up", "compared by QRESYNC"} {
			if !strings.Contains(s.out.text(), kind) {
				t.Errorf("seed %s: no %q in:\n%s", seed, kind, s.out.text())
			}
		}
	}
}

// The way in for others works while the demo runs.
func TestDemoCanBeJoined(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	demo := w.start(t, "demo", "--every", "20ms")
	demo.err.waitFor(t, "or with any mail program")
	command := regexp.MustCompile(`pushmail (watch .*)\n`).FindStringSubmatch(demo.err.text())
	if command == nil {
		t.Fatal(demo.err.text())
	}
	s := w.start(t, strings.Fields(command[1])...)
	s.out.waitFor(t, "new ")
	s.interrupt()
	demo.interrupt()
	if !strings.Contains(demo.err.text(), "each exactly once") {
		t.Error(demo.err.text())
	}
}

func TestDemoTellsTheSameStoryForTheSameSeed(t *testing.T) {
	t.Parallel()
	tell := func(seed string) string {
		w := &world{env: []string{"HOME=" + t.TempDir()}}
		s := w.start(t, "demo", "--for", "1500ms", "--every", "5ms", "--seed", seed)
		s.end()
		var story strings.Builder
		for line := range strings.Lines(s.err.text()) {
			if strings.HasPrefix(line, "-- ") && !strings.Contains(line, "127.0.0.1") {
				story.WriteString(line)
			}
		}
		return story.String()
	}
	a, b, c := tell("3"), tell("3"), tell("4")
	n := min(len(a), len(b))
	if n < 500 || a[:n] != b[:n] {
		t.Errorf("seed 3 told two stories:\n%s\n%s", a, b)
	}
	if n = min(n, len(c)); a[:n] == c[:n] {
		t.Error("seed 4 told the story of seed 3")
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	seen := func(uid imap.UID) watch.Event { return watch.Event{Type: watch.MessageNew, UID: uid} }
	for _, test := range []struct {
		name        string
		reports     []watch.Event
		lost, twice int
	}{
		{"all once", []watch.Event{seen(1), seen(2)}, 0, 0},
		{"one lost", []watch.Event{seen(1)}, 1, 0},
		{"one twice", []watch.Event{seen(1), seen(2), seen(2)}, 0, 1},
		{"one lost and one twice", []watch.Event{seen(2), seen(2)}, 1, 1},
		{"another's", []watch.Event{seen(1), seen(2), seen(3)}, 0, 0},
		{"of another type", []watch.Event{seen(1), {Type: watch.MessageExpunge, UID: 2}}, 1, 0},
	} {
		tl := newTally()
		tl.do(false, func() []deed { return []deed{{watch.MessageNew, 1, ""}, {watch.MessageNew, 2, ""}} })
		for _, ev := range test.reports {
			if err := tl.sink(t.Context(), ev); err != nil {
				t.Fatal(err)
			}
		}
		v := tl.verdict()
		want := exitOK
		if test.lost+test.twice > 0 {
			want = exitOther
		}
		if v.lost != test.lost || v.twice != test.twice || exitCode(v.err()) != want {
			t.Errorf("%s: %d lost, %d twice, %v", test.name, v.lost, v.twice, v.err())
		}
	}
}

func TestLettersAreMessages(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(1, 1))
	for _, l := range letters {
		raw := string(l.encode(time.Now(), 1, dice))
		m, err := mail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			t.Errorf("%s: %v", l.subject, err)
			continue
		}
		from, err := m.Header.AddressList("From")
		if err != nil || len(from) != 1 || from[0].Name != l.name || from[0].Address != l.address {
			t.Errorf("%s: from %v, %v", l.subject, from, err)
		}
		for _, c := range []byte(raw) {
			if c >= 0x80 {
				t.Errorf("%s is not ASCII", l.subject)
				break
			}
		}
		for line := range strings.SplitSeq(raw, "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("%s: bad line %.80q", l.subject, line)
			}
		}
	}
}

func TestStoryEndsWhenNothingIsReported(t *testing.T) {
	t.Parallel()
	s := &story{tally: newTally(), patient: 10 * time.Millisecond}
	if err := s.run(t.Context()); !errors.Is(err, errNotReported) {
		t.Errorf("got %v", err)
	}
}
