package mailbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

func exampleState() *State {
	s := newState()
	s.uidValidity, s.uidNext, s.highest = 7, 60, 1<<40
	for _, uid := range []imap.UID{1, 2, 3, 10, 11, 12, 13, 14, 15, 20, 50} {
		set, _ := s.intern([]imap.Flag{imap.FlagSeen, "todo"}[:uid%3])
		_ = s.append(uid, set, uint32(uid/11))
	}
	return s
}

func withPrints() *State {
	s := exampleState()
	for _, uid := range []imap.UID{3, 20, 50} {
		s.prints = s.prints.with(uid, Identity{Basis: BasisGmail, Print: Print{byte(uid), 'r', 'i', 'n', 't', 0, 1, 2}, Date: int64(uid)}, s.own)
	}
	return s
}

// sealed returns a checkpoint with this content after the magic, and a checksum that matches.
func sealed(content ...byte) []byte {
	b := append([]byte(checkpointMagic), content...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func reseal(data []byte) []byte { return sealed(data[len(checkpointMagic) : len(data)-4]...) }

func TestCheckpointRoundTrip(t *testing.T) {
	for name, s := range map[string]*State{
		"zero": {}, "empty": newState(), "example": exampleState(),
		"fingerprints": withPrints(),
		"foretold": func() *State {
			s := withPrints()
			s.prints, _ = s.prints.foretell(60, Identity{Basis: s.Basis(), Print: Print{6}}, s.own)
			return s
		}(),
		"highest UID": func() *State { s := newState(); s.appendRun(1<<32-3, 3, 0); return s }(),
	} {
		data, err := s.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		back := exampleState()
		if err := back.UnmarshalBinary(data); err != nil || !sameState(s, back) {
			t.Errorf("%s: %v became %v, %v", name, dump(s), dump(back), err)
		}
		again, _ := back.AppendBinary([]byte("x"))
		if !bytes.Equal(again[1:], data) {
			t.Errorf("%s: equal States, different bytes", name)
		}
		clear(data)
		if !sameState(s, back) {
			t.Errorf("%s: the State changed with the bytes it was read from", name)
		}
	}
}

// TestCheckpointFormatIsStable holds the bytes of format 1: what was stored must be readable for ever.
func TestCheckpointFormatIsStable(t *testing.T) {
	const want = "PMBX\x01" +
		"\x01\x09\x07\x3c\x32\x80\x80\x80\x80\x80\x20" + // mailbox
		"\x02\x09\x04\x01\x02\x07\x05\x05\x00\x1e\x00" + // UIDs 1:3,10:15,20,50
		"\x03\x0c\x02\x05\\Seen\x04todo" +
		"\x04\x07\x03\x01\x00\x02\x00\x01\x00" + // sets: (\Seen) (\Seen todo) ()
		"\x05\x0c\x17\x00\x01\x02\x00\x01\x02\x00\x01\x02\x01\x01" +
		"\x06\x0f\x07\x0b\x01\x01\x01\x01\x01\x01\x01\x01\x01\x05\x01\x1e\x04" // revisions of 11:15,20,50
	data, _ := exampleState().MarshalBinary()
	if got := string(data[:len(data)-4]); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestFingerprintsAreASectionOfTheirOwn: a program that does not know them reads the rest.
func TestFingerprintsAreASectionOfTheirOwn(t *testing.T) {
	without, _ := exampleState().MarshalBinary()
	data, _ := withPrints().MarshalBinary()
	const want = "\x07\x1e\x02\x32\x03" + "\x03\x03rint\x00\x01\x02" + "\x11\x14rint\x00\x01\x02" + "\x1e\x32rint\x00\x01\x02"
	if got := string(data[:len(data)-4]); got != string(without[:len(without)-4])+want {
		t.Errorf("got %q", got)
	}
}

func TestCheckpointIsCompact(t *testing.T) {
	s := fill(100_000, func(i int) bool { return i%1000 == 0 }, func(i int) []imap.Flag {
		return []imap.Flag{imap.FlagSeen, imap.FlagAnswered}[:i*7%100/98+1]
	})
	data, _ := s.MarshalBinary()
	t.Logf("100,000 messages, one in 50 with other flags: %d bytes", len(data))
	if len(data) > 12<<10 {
		t.Errorf("%d bytes", len(data))
	}
}

func TestEveryDamageIsNoticed(t *testing.T) {
	data, _ := exampleState().MarshalBinary()
	try := func(what string, i int, data []byte) {
		s := exampleState()
		err := s.UnmarshalBinary(data)
		var corrupt *CorruptError
		var version *VersionError
		if !errors.As(err, &corrupt) && !errors.As(err, &version) {
			t.Errorf("%s at %d: %v", what, i, err)
		}
		if !sameState(s, exampleState()) {
			t.Errorf("%s at %d: the State was changed", what, i)
		}
	}
	for i := range data {
		try("cut", i, data[:i])
		for bit := range 8 {
			flipped := slices.Clone(data)
			flipped[i] ^= 1 << bit
			try("bit flipped", i, flipped)
		}
		try("doubled byte", i, slices.Insert(slices.Clone(data), i, data[i]))
	}
}

func TestNewerCheckpointSaysSo(t *testing.T) {
	err := new(State).UnmarshalBinary(sealed(2, 1, 0))
	version, ok := err.(*VersionError)
	if !ok || version.Version != 2 || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("got %v", err)
	}
}

func TestUnknownSectionsAreSkipped(t *testing.T) {
	data, _ := exampleState().MarshalBinary()
	content := slices.Concat(data[len(checkpointMagic):len(data)-4], []byte{0x90, 0x4e, 3, 'a', 'b', 'c'})
	s := new(State)
	if err := s.UnmarshalBinary(sealed(content...)); err != nil || !sameState(s, exampleState()) {
		t.Errorf("%v, %v", dump(s), err)
	}
}

func TestHostileCheckpoints(t *testing.T) {
	for name, content := range map[string][]byte{
		"4G messages":           {1, 2, 7, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 4, 2, 1, 0, 5, 2, 4, 0},
		"4G runs":               {1, 2, 6, 0xff, 0xff, 0xff, 0xff, 0x0f, 1},
		"flags, no messages":    {1, 4, 2, 1, 0, 5, 6, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0},
		"messages, no flags":    {1, 2, 3, 1, 1, 1},
		"UID 0":                 {1, 2, 3, 1, 0, 1, 4, 2, 1, 0, 5, 2, 4, 0},
		"touching runs":         {1, 2, 5, 2, 1, 0, 1, 0, 4, 2, 1, 0, 5, 2, 4, 0},
		"past the last UID":     {1, 2, 7, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 4, 2, 1, 0, 5, 2, 4, 0},
		"no such set":           {1, 2, 3, 1, 1, 0, 5, 2, 2, 0},
		"no such flag":          {1, 4, 3, 1, 1, 0},
		"sections out of order": {1, 3, 1, 0, 2, 1, 0},
		"section twice":         {1, 2, 1, 0, 2, 1, 0},
		"section past the end":  {1, 2, 9, 0},
		"bytes left over":       {1, 2, 2, 0, 0},
		"number of 11 bytes":    {1, 1, 11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"rev without message":   {1, 6, 3, 1, 9, 1},
		"version 0":             {0},
		"fingerprints cut off":  {1, 7, 10, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6},
		"fingerprints missing":  {1, 7, 3, 1, 1, 200},
		"fingerprint of UID 0":  {1, 7, 12, 1, 1, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8},
	} {
		err := new(State).UnmarshalBinary(sealed(content...))
		if _, ok := err.(*CorruptError); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzCheckpoint(f *testing.F) {
	data, _ := exampleState().MarshalBinary()
	f.Add(data)
	f.Add(sealed(1))
	prints, _ := withPrints().MarshalBinary()
	f.Add(prints)
	f.Add(sealed(1, 2, 7, 1, 1, 0xfe, 0xff, 0xff, 0x0f, 0, 4, 2, 1, 0, 5, 5, 0xfc, 0xff, 0xff, 0x0f, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < len(checkpointMagic)+4 {
			return
		}
		data = reseal(slices.Clone(data))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := new(State)
		err := s.UnmarshalBinary(data)
		runtime.ReadMemStats(&after)
		if grew := after.TotalAlloc - before.TotalAlloc; grew > 16<<20+2000*uint64(len(data)) {
			t.Fatalf("%d bytes of input took %d bytes", len(data), grew)
		}
		if err != nil {
			return
		}
		again, _ := s.MarshalBinary()
		back := new(State)
		if err := back.UnmarshalBinary(again); err != nil {
			t.Fatal(err)
		}
		if twice, _ := back.MarshalBinary(); !bytes.Equal(again, twice) {
			t.Fatal("not the same after a round trip")
		}
	})
}
