package mailbox

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

func benchState() *State {
	rng := rand.New(rand.NewPCG(1, 1))
	return fill(100_000, func(i int) bool { return i%50 == 0 }, func(int) []imap.Flag {
		return []imap.Flag{imap.FlagSeen, imap.Flag(fmt.Sprint("label", rng.IntN(40)))}[:1+rng.IntN(2)]
	})
}

func BenchmarkApply(b *testing.B) {
	for _, c := range []struct {
		name string
		next func(v *View, i int) imap.Response
	}{
		{"same flags", func(v *View, i int) imap.Response {
			seq := imap.SeqNum(i*7919%100_000 + 1)
			flags, _ := v.Flags(v.UIDAt(seq))
			return &imap.Message{SeqNum: seq, UID: v.UIDAt(seq), Items: imap.ItemFlags | imap.ItemUID, Flags: flags}
		}},
		{"other flags", func(_ *View, i int) imap.Response {
			return &imap.Message{SeqNum: imap.SeqNum(i*7919%100_000 + 1), Items: imap.ItemFlags, Flags: []imap.Flag{imap.FlagSeen, imap.FlagFlagged}[:i%2+1]}
		}},
		{"expunge and arrive", func(v *View, i int) imap.Response {
			switch i % 3 {
			case 0:
				return imap.Expunge(i*7919%99_000 + 1)
			case 1:
				return imap.Exists(v.Exists() + 1)
			}
			return &imap.Message{SeqNum: imap.SeqNum(v.Exists()), UID: v.state.frontier(), Items: imap.ItemFlags | imap.ItemUID}
		}},
		{"vanished", func(v *View, i int) imap.Response {
			if i%2 == 0 {
				return &imap.Vanished{UIDs: imap.UIDs(v.UIDAt(imap.SeqNum(i*7919%int(v.Exists()-1) + 1)))}
			}
			v.count++
			_ = v.learn(new(changeList), v.state.frontier(), nil, 0)
			return ok()
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := benchState()
			v := &View{state: s, count: uint32(s.n)}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := v.Apply(c.next(v, i)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInitial100k reads 100,000 rows as an initial synchronisation does.
func BenchmarkInitial100k(b *testing.B) {
	rows := make([]*imap.Message, 100_000)
	for i := range rows {
		rows[i] = row(imap.SeqNum(i+1), imap.UID(i+1+i/50), []imap.Flag{imap.FlagSeen, imap.FlagAnswered}[:i%97/96+1]...)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := Begin(nil, Opened{UIDValidity: 1, Exists: 100_000})
		r.Next()
		for _, m := range rows {
			r.Feed(m)
		}
		r.Feed(ok())
		if v, _, _, err := r.Finish(); err != nil || v.Pending() != 0 {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshal100k(b *testing.B) {
	s := benchState()
	data, _ := s.MarshalBinary()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		data, _ = s.AppendBinary(data[:0])
	}
}

func BenchmarkUnmarshal100k(b *testing.B) {
	data, _ := benchState().MarshalBinary()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := new(State).UnmarshalBinary(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkQResyncNothing is a reconnect to a mailbox of 100,000 where nothing happened.
func BenchmarkQResyncNothing(b *testing.B) {
	s := benchState()
	s.uidValidity, s.highest = 1, 5
	opened := Opened{QResync: true, Resumed: true, UIDValidity: 1, UIDNext: s.uidNext, HighestModSeq: 5, Exists: 100_000}
	b.ReportAllocs()
	for b.Loop() {
		if _, more := Begin(s, opened).Next(); more {
			b.Fatal("a command")
		}
	}
}
