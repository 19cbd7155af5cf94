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

// partHeads are the heads that a Decoder knows, by what headSlot makes of them.
type partHeads struct {
	learnt int
	slots  [32]partHead
}

// Bounds of what is remembered: of one head, and how often a head takes the place of another.
const (
	minHead    = 32
	maxHead    = 96
	maxLearnt  = 512
	firstHeads = 4 // so many are not remembered: who gets one row now and then does not pay for many
)

// headSlot is made of the bytes of which any head has as many.
func headSlot(b []byte, p int) int {
	h := (load64(b[p+8:p+16])*3 ^ load64(b[p+16:p+24])*5 ^ load64(b[p+24:p+32])*7) * 0x9e3779b97f4a7c15
	return int(h >> 59)
}

// find returns the head at p, or nil if it is not known.
func (k *partHeads) find(b []byte, p int) *partHead {
	if k == nil || len(b)-p < minHead {
		return nil
	}
	h := &k.slots[headSlot(b, p)]
	if h.text == "" || !at(b, p, h.text) {
		return nil
	}
	return h
}

// learn remembers the head of p.
func (k *partHeads) learn(text []byte, p *imap.BodyPart) *partHeads {
	if len(text) < minHead || len(text) > maxHead {
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
	h := partHead{text: string(text), mediaType: strings.Clone(p.Type), subtype: strings.Clone(p.Subtype), params: make([]imap.Param, len(p.Params))}
	for i, q := range p.Params {
		h.params[i] = imap.Param{Name: strings.Clone(q.Name), Value: strings.Clone(q.Value)}
	}
	k.slots[headSlot(text, 0)] = h
	return k
}
