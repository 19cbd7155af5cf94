package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// A partHead is how a text part starts: `"text" "plain" ("charset" "utf-8") `. A mailbox has few of them,
// and half of all parts are text, so the fast path does not read them again and again.
type partHead struct {
	text               string
	mediaType, subtype string
	params             []imap.Param
}

// partHeads are the heads that a Decoder knows. A head stands at the place that headPlace makes of its
// bytes, or at one of the three after it.
type partHeads struct {
	learnt int
	heads  [64 + 3]partHead
}

const (
	minHead   = 32  // bytes of which headPlace is made
	maxHead   = 96  // bytes of a head that is remembered
	maxLearnt = 512 // heads that are remembered one after the other: each is an allocation
)

// headPlace is the first of the places for the head at p. It is made of the bytes that say most, and of a few
// after them, which are the same after most heads of the same length.
func headPlace(b []byte, p int) int {
	h := (load64(b[p+8:p+16])*3 ^ load64(b[p+16:p+24])*5 ^ load64(b[p+24:p+32])*7 ^ load64(b[p+32:p+40])*11) * 0x9e3779b97f4a7c15
	return int(h >> 58)
}

// find returns the head at p, or nil if it is not known.
func (k *partHeads) find(b []byte, p int) *partHead {
	if k == nil || len(b)-p < minHead+8 {
		return nil
	}
	place := headPlace(b, p)
	for i := place; i < place+4 && k.heads[i].text != ""; i++ {
		if h := &k.heads[i]; at(b, p, h.text) {
			return h
		}
	}
	return nil
}

// learn remembers the head from start to end in b, of which p was made. It returns k, or what takes its place.
func (k *partHeads) learn(b []byte, start, end int, p *imap.BodyPart) *partHeads {
	if end-start < minHead || end-start > maxHead || len(b)-start < minHead+8 {
		return k
	}
	for i := range p.Params {
		if name := p.Params[i].Name; !strings.EqualFold(name, "charset") && !strings.EqualFold(name, "format") {
			return k
		}
	}
	if k == nil {
		k = new(partHeads)
	}
	if k.learnt++; k.learnt > maxLearnt {
		return k
	}
	h := partHead{text: string(b[start:end]), mediaType: strings.Clone(p.Type), subtype: strings.Clone(p.Subtype), params: make([]imap.Param, len(p.Params))}
	for i, q := range p.Params {
		h.params[i] = imap.Param{Name: strings.Clone(q.Name), Value: strings.Clone(q.Value)}
	}
	place := headPlace(b, start)
	i := place
	for i < place+4 && k.heads[i].text != "" {
		i++
	}
	if i == place+4 {
		i = place + k.learnt%4
	}
	k.heads[i] = h
	return k
}
