package imapwire

import (
	"strings"

	"github.com/pushmail/pushmail/imap"
)

func (w *responseWriter) untaggedStatus(s *imap.Status) {
	w.name = s.Kind.String()
	w.raw("* ")
	w.status(s)
}

func (w *responseWriter) tagged(t *imap.Tagged) {
	w.name = "tagged " + t.Kind.String()
	if !isTag(t.Tag) {
		w.fail("has no tag")
	}
	if t.Kind == imap.BYE || t.Kind == imap.PREAUTH {
		w.fail("cannot have a tag")
	}
	w.raw(t.Tag).sp().status(&t.Status)
}

func (w *responseWriter) status(s *imap.Status) {
	if s.Kind < imap.OK || s.Kind > imap.PREAUTH {
		w.fail("is of no known kind")
	}
	w.raw(s.Kind.String()).sp().codeAndText(s.Code, s.Text)
}

func (w *responseWriter) continuation(c *imap.Continuation) {
	w.name = "+"
	w.raw("+ ").codeAndText(c.Code, c.Text)
}

func (w *responseWriter) codeAndText(code *imap.Code, text string) {
	if strings.ContainsAny(text, "\r\n\x00") {
		w.fail("has a text of more than a line")
	}
	if code != nil {
		w.code(code, text)
	} else if strings.HasPrefix(text, "[") && strings.Contains(text, "]") {
		w.fail("has a text that reads like a response code")
	}
	w.raw(text)
}

// code writes "[NAME arguments] ", which must be read as just that with the text that follows.
func (w *responseWriter) code(c *imap.Code, after string) {
	start := len(w.dst)
	w.raw("[")
	if !isAtom(string(c.Name)) {
		w.fail("has a response code without a name")
	}
	w.raw(string(c.Name))
	if c.Args != "" {
		w.sp().raw(c.Args)
	} else {
		w.codeArgs(c)
	}
	text := string(w.dst[start:])
	if strings.ContainsAny(text, "\r\n\x00") {
		// RFC 9051 section 9 has no literals in codes but for BADCHARSET, and clients look for none.
		w.fail("has a response code of more than a line")
	}
	d := Decoder{lim: DefaultLimits}
	d.start(text + "] " + after)
	if d.codeEnd(1) != len(text) || strings.HasSuffix(text, " ") {
		w.fail("has a response code whose arguments do not fit in brackets")
	}
	w.raw("] ")
}

// codeArgs writes the arguments that the fields of c make.
func (w *responseWriter) codeArgs(c *imap.Code) {
	switch c.Name {
	case imap.CodeCapability:
		w.capabilities(c.Caps)
	case imap.CodePermanentFlags:
		w.sp().flags(c.Flags)
	case imap.CodeUIDNext, imap.CodeUIDValidity, imap.CodeUnseen, imap.CodeHighestModSeq,
		imap.CodeMaxConvertMessages, imap.CodeMaxConvertParts:
		w.sp().number(c.Num)
	case imap.CodeAppendUID:
		w.sp().number(uint64(c.UIDValidity)).sp().set(c.Dest)
	case imap.CodeCopyUID:
		w.sp().number(uint64(c.UIDValidity)).sp().set(c.Source).sp().set(c.Dest)
	case imap.CodeModified:
		w.sp().set(c.Source)
	case imap.CodeMessageLimit:
		w.sp().number(c.Num)
		if c.UID != 0 {
			w.sp().number(uint64(c.UID))
		}
	case imap.CodeBadURL, imap.CodeReferral, imap.CodeWebAlert:
		w.trailer(strings.Join(c.Words, " "))
	case imap.CodeBadCharset, imap.CodeBadEvent, imap.CodeMailboxID, imap.CodeInProgress:
		if len(c.Words) > 0 {
			w.raw(" (")
			w.codeWords(c.Words)
			w.raw(")")
		}
	default:
		if len(c.Words) > 0 {
			w.sp().codeWords(c.Words)
		}
	}
}

// codeWords writes words with spaces between them, "" as NIL.
func (w *responseWriter) codeWords(words []string) {
	for i, word := range words {
		if i > 0 {
			w.sp()
		}
		if word == "" {
			w.raw("NIL")
		} else {
			w.aString(word)
		}
	}
}
