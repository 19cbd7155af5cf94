package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// statusKind reads the word of a status response.
func statusKind(word string) (imap.Kind, bool) {
	switch word {
	case "OK":
		return imap.OK, true
	case "NO":
		return imap.NO, true
	case "BAD":
		return imap.BAD, true
	case "BYE":
		return imap.BYE, true
	case "PREAUTH":
		return imap.PREAUTH, true
	}
	if hasLower(word) {
		return statusKind(upper(word))
	}
	return 0, false
}

// status reads an untagged status response after its word.
func (d *Decoder) status(kind imap.Kind) imap.Response {
	s := &imap.Status{Kind: kind}
	d.respText(s)
	return s
}

// tagged reads the response that ends a command (RFC 9051 section 7.1).
func (d *Decoder) tagged() imap.Response {
	tag, _, ok := strings.Cut(d.s, " ")
	if !ok || !isTag(tag) {
		d.fail(`expected "*", "+" or a tag`)
		return nil
	}
	d.pos = len(tag)
	d.sp()
	start := d.pos
	kind, ok := statusKind(d.s[start:d.word()])
	t := &imap.Tagged{Tag: tag, Status: imap.Status{Kind: kind}}
	switch {
	case !ok, kind == imap.PREAUTH:
		d.failAtPos(start, "expected OK, NO or BAD")
	case kind == imap.BYE && d.failQuirk(QuirkTaggedBye, "BYE cannot have a tag"):
	}
	d.respText(&t.Status)
	return t
}

// isTag reports whether s can be a tag (RFC 9051 section 9: ASTRING-CHAR but "+").
func isTag(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if !isAStringChar(s[i]) || s[i] == '+' {
			return false
		}
	}
	return true
}

// respText reads what follows the word of a status response.
func (d *Decoder) respText(s *imap.Status) {
	if d.failed {
		return
	}
	if d.pos == len(d.s) {
		d.failQuirk(QuirkBareStatus, "expected a text")
		return
	}
	d.sp()
	s.Code, s.Text = d.codeAndText()
}

// codeAndText reads a response code, if there is one, and the text after it.
func (d *Decoder) codeAndText() (*imap.Code, string) {
	code := d.code()
	text := strings.TrimPrefix(d.s[d.pos:], " ")
	d.pos = len(d.s)
	return code, text
}

// bareCode reads "[CODE] text", which some servers send without "* OK" before it.
func (d *Decoder) bareCode() imap.Response {
	if d.failQuirk(QuirkBareCode, `expected "OK" before a response code`) {
		return nil
	}
	s := &imap.Status{Kind: imap.OK}
	if s.Code, s.Text = d.codeAndText(); s.Code == nil {
		d.fail("expected a response code")
	}
	return s
}

// continuation reads "+ text" (RFC 9051 section 7.6).
func (d *Decoder) continuation() imap.Response {
	d.pos = 1
	c := &imap.Continuation{}
	switch {
	case d.accept(' '):
	case d.failQuirk(QuirkBareContinuation, `expected a space after "+"`):
		return nil
	}
	c.Code, c.Text = d.codeAndText()
	return c
}
