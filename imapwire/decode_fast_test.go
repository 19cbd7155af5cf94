package imapwire

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

// sampleLines are the lines of the test data, and rows.
func sampleLines(t testing.TB) []string {
	t.Helper()
	lines := rows(300, 11)
	for _, name := range []string{quirkFile, rfcFile} {
		lines = append(lines, testResponses(t, name)...)
	}
	lines = append(lines, session...)
	return append(lines,
		`* 1 FETCH (UID 1 ENVELOPE (NIL NIL (("a" NIL "b" "c")) (("a" NIL "b" "c")) (("a" NIL "b" "c")) NIL NIL NIL NIL NIL))`,
		`* 1 FETCH (BODYSTRUCTURE ("message" "rfc822" NIL NIL NIL "7bit" 5 (NIL "s" NIL NIL NIL NIL NIL NIL NIL "<i>") ("text" "plain" NIL NIL NIL "7bit" 1 2) 3 NIL NIL NIL NIL) UID 4)`,
		`* 1 FETCH (BODYSTRUCTURE (("text" "plain" NIL NIL NIL "7bit" 1 2)("image" "png" NIL NIL NIL "base64" 1) "mixed"))`,
		`* 1 FETCH (BODYSTRUCTURE ("a" "b" NIL NIL NIL "7bit" 1 "md5" ("inline" ("x" "y")) ("en" "de") "loc" "more") FLAGS (\Seen $New $New))`)
}

// fastOptions are options under which the fast path must agree with the careful one.
var fastOptions = []*Options{nil, {Quirks: AllQuirks}, {Limits: Limits{Depth: 3, Tokens: 12}}, {Quirks: AllQuirks, UTF8: true, Limits: Limits{Tokens: 30}}}

// pairs are decoders with and without the fast path, and with it into memory that is used again.
type pair struct{ fast, careful, reusing *Decoder }

func newPairs() []pair {
	var pairs []pair
	for _, o := range fastOptions {
		p := pair{NewDecoder(o), NewDecoder(o), NewDecoder(o)}
		p.careful.careful = true
		p.reusing.SetScratch(new(Scratch))
		pairs = append(pairs, p)
	}
	return pairs
}

func (p pair) check(t *testing.T, fr Frame) {
	t.Helper()
	want, wantErr := p.careful.Decode(fr)
	for _, d := range []*Decoder{p.fast, p.reusing} {
		if d.scratch != nil {
			d.scratch.Reset()
		}
		got, err := decodeAndForget(d, fr)
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(err, wantErr) {
			t.Fatalf("%q, reusing memory %v\n   fast %s, %v\ncareful %s, %v", fr.Data, d.scratch != nil, show(got), err, show(want), wantErr)
		}
	}
}

// decodeAndForget overwrites the frame afterwards, as the next one will: what was decoded must not change.
func decodeAndForget(d *Decoder, fr Frame) (imap.Response, error) {
	own := bytes.Clone(fr.Data)
	r, err := d.Decode(Frame{Data: own})
	for i := range own {
		own[i] ^= 0xff
	}
	return r, err
}

func TestFastPathAgrees(t *testing.T) {
	lines, pairs := sampleLines(t), newPairs()
	rnd := rand.New(rand.NewPCG(17, 0))
	mutants := 60
	if testing.Short() {
		mutants = 10
	}
	for _, line := range lines {
		for _, p := range pairs {
			p.check(t, Frame{Data: []byte(line)})
		}
		for range mutants {
			mutant := mutate(rnd, line, lines)
			pairs[rnd.IntN(len(pairs))].check(t, Frame{Data: mutant})
			pairs[0].check(t, Frame{Data: mutant})
		}
	}
}

// mutate changes a few bytes of line, and mostly to something that means something.
func mutate(rnd *rand.Rand, line string, lines []string) []byte {
	b := []byte(line)
	for range 1 + rnd.IntN(3) {
		if len(b) == 0 {
			break
		}
		at := rnd.IntN(len(b))
		switch rnd.IntN(6) {
		case 0:
			b = append(b[:at], b[at+1:]...)
		case 1:
			const with = "\"\\ ()N{}0~<M.\r\n\t\xe9x"
			b[at] = with[rnd.IntN(len(with))]
		case 2:
			parts := []string{`"`, `\`, ` `, `  `, `(`, `)`, `NIL`, ` NIL`, `""`, `"x"`, `nil`, `0`, `{1}` + "\r\nx", `()`, `(NIL)`, `~{1}` + "\r\ny", `-1`, `"a\"b"`}
			b = append(b[:at:at], append([]byte(parts[rnd.IntN(len(parts))]), b[at:]...)...)
		case 3:
			b = b[:at]
		case 4:
			other := lines[rnd.IntN(len(lines))]
			from := rnd.IntN(len(other) + 1)
			b = append(b[:at:at], append([]byte(other[from:min(len(other), from+rnd.IntN(40))]), b[at:]...)...)
		case 5:
			end := min(len(b), at+rnd.IntN(20))
			b = append(b[:at:at], b[end:]...)
		}
	}
	return b
}

// Without this the comparison would say nothing.
func TestFastPathReadsWhatServersSend(t *testing.T) {
	d := NewDecoder(nil)
	items, fast := 0, 0
	for _, row := range rows(1000, 4) {
		if _, err := d.Decode(Frame{Data: []byte(row)}); err != nil { // keywords are learnt
			t.Fatal(err)
		}
		d.start("")
		d.b = []byte(row)
		d.pos = strings.IndexByte(row, '(') + 1
		for m := new(imap.Message); row[d.pos] != ')'; items++ {
			if !d.fastItem(m) {
				break
			}
			fast++
		}
		if d.pos == len(row)-1 {
			continue
		}
		items++
		t.Logf("careful from %.200q on", row[d.pos:])
	}
	if fast < 6000*99/100 {
		t.Errorf("of %d items %d were read fast", items, fast)
	}
}

func FuzzFastPath(f *testing.F) {
	for _, line := range sampleLines(f) {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range newPairs() {
			p.check(t, Frame{Data: data})
			p.check(t, Frame{Data: data})
		}
	})
}
