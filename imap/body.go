package imap

import (
	"iter"
	"strconv"
	"strings"
)

// Is reports whether the part has the media type, such as "text/plain", or "image/*" for any image.
// Case does not count.
func (p *BodyPart) Is(mediaType string) bool {
	typ, subtype, _ := strings.Cut(mediaType, "/")
	return strings.EqualFold(p.Type, typ) && (subtype == "*" || strings.EqualFold(p.Subtype, subtype))
}

// MediaType returns "type/subtype" in lower case.
func (p *BodyPart) MediaType() string { return strings.ToLower(p.Type + "/" + p.Subtype) }

// Param returns the parameter name of the media type as the server sent it, without regard to case:
// Param("charset"). It is "" if there is none. See [DecodeParam] for parameters that people read.
func (p *BodyPart) Param(name string) string {
	v, _ := RawParam(p.Params, name)
	return v
}

// isMessage reports whether the part is a message with parts of its own (RFC 9051 section 6.4.5.1).
func (p *BodyPart) isMessage() bool { return p.Is("message/rfc822") || p.Is("message/global") }

// isMultipart also takes a part with children for one whose type the server got wrong.
func (p *BodyPart) isMultipart() bool {
	return !p.isMessage() && (strings.EqualFold(p.Type, "multipart") || len(p.Parts) > 0)
}

// Walk yields the part and all parts below, parents first, in the order of the message. p must be the
// structure of a whole message. With each comes its section specification (RFC 9051 section 6.4.5.1),
// which is what stands in the brackets of BODY[…] to fetch the content of the part:
//
//	TEXT       multipart/mixed
//	1          text/plain
//	2          message/rfc822
//	2.TEXT     multipart/alternative, the body of that message
//	2.1        text/plain
//	2.2        text/html
//	3          multipart/related
//	3.1        text/html
//
// A multipart that is the body of a message has no number of its own, therefore TEXT. A message that
// has no multipart is part 1.
func (p *BodyPart) Walk() iter.Seq2[string, *BodyPart] {
	return func(yield func(section string, part *BodyPart) bool) {
		p.walkMessage("", yield)
	}
}

// walkMessage walks the body of a message. prefix is "" or the number of the message/rfc822 part
// with a dot after it.
func (p *BodyPart) walkMessage(prefix string, yield func(string, *BodyPart) bool) bool {
	if !p.isMultipart() {
		return p.walkPart(prefix+"1", yield)
	}
	return yield(prefix+"TEXT", p) && p.walkParts(prefix, yield)
}

func (p *BodyPart) walkPart(section string, yield func(string, *BodyPart) bool) bool {
	if !yield(section, p) {
		return false
	}
	if p.isMessage() {
		return len(p.Parts) == 0 || p.Parts[0].walkMessage(section+".", yield)
	}
	return p.walkParts(section+".", yield)
}

func (p *BodyPart) walkParts(prefix string, yield func(string, *BodyPart) bool) bool {
	for i := range p.Parts {
		if !p.Parts[i].walkPart(prefix+strconv.Itoa(i+1), yield) {
			return false
		}
	}
	return true
}

// Filename returns the name that the sender gave the part: the filename of Content-Disposition, else
// the name of Content-Type, decoded as [DecodeParam] does. It is "" without one.
//
// It is the sender's text: it can hold a path, "..", control characters, any length. Do not use it as
// the name of a file before making it one.
func (p *BodyPart) Filename(charset CharsetReader) string {
	if name, _ := DecodeParam(p.DispositionParams, "filename", charset); name != "" {
		return name
	}
	name, _ := DecodeParam(p.Params, "name", charset)
	return name
}

// hasName reports whether there is a file name, in whatever form.
func (p *BodyPart) hasName() bool { return p.Filename(nil) != "" }

// IsAttachment reports whether the part is something to show in a list of attachments.
//
// Content-Disposition decides where it can: "attachment" and words that nobody knows are one (RFC
// 2183 section 2.8). But Apple Mail says "inline" for a PDF, and many senders say nothing. Then an
// attachment is what is neither text without a file name, nor an image, sound or video that belongs
// into the text (it is inline, or has a Content-ID), nor the machinery of mail: signatures, delivery
// reports, keys.
func (p *BodyPart) IsAttachment() bool {
	switch {
	case p.isMultipart():
		return false
	case p.Disposition != "" && !strings.EqualFold(p.Disposition, "inline"):
		return true
	case p.isMachinery():
		return false
	case strings.EqualFold(p.Type, "text"):
		return p.hasName()
	case p.Is("image/*"), p.Is("audio/*"), p.Is("video/*"):
		return p.Disposition == "" && p.ID == ""
	}
	return true
}

func (p *BodyPart) isMachinery() bool {
	switch p.MediaType() {
	case "application/pgp-signature", "application/pgp-encrypted", "application/pgp-keys",
		"application/pkcs7-signature", "application/x-pkcs7-signature",
		"message/delivery-status", "message/global-delivery-status", "message/disposition-notification",
		"message/global-disposition-notification", "message/feedback-report", "message/external-body",
		"message/partial", "message/global-headers":
		return true
	}
	return false
}

// Attachments yields the attachments of a message with their section specifications, as [Walk] does.
// It does not look into an attached message: that is one attachment.
//
// [Walk]: BodyPart.Walk
func (p *BodyPart) Attachments() iter.Seq2[string, *BodyPart] {
	return func(yield func(section string, part *BodyPart) bool) {
		var inside string // the prefix of sections within an attached message
		for section, part := range p.Walk() {
			if inside != "" && strings.HasPrefix(section, inside) {
				continue
			}
			if !part.IsAttachment() {
				continue
			}
			inside = section + "."
			if !yield(section, part) {
				return
			}
		}
	}
}

// TextPart returns the part with the text of a message, and its section specification: what a preview
// is made of. It is text/plain or text/html that is not an attachment, in this order of wishes:
//
//   - the first part of a message that has any text
//   - where there is a choice (multipart/alternative), text/plain before text/html
//   - the root of multipart/related
//
// It does not look into an attached message, and takes an empty part only if there is no other. It
// returns nil if there is no text.
func (p *BodyPart) TextPart() (section string, part *BodyPart) {
	if !p.isMultipart() {
		return p.textLeaf("1").result()
	}
	return p.textIn("").result()
}

// textChoice is a text part that was found. The zero value is none.
type textChoice struct {
	section string
	part    *BodyPart
}

func (c textChoice) result() (string, *BodyPart) { return c.section, c.part }

func (c textChoice) rank() int {
	switch {
	case c.part == nil:
		return 0
	case c.part.Size == 0:
		return 1
	case c.part.Is("text/html"):
		return 2
	}
	return 3
}

func (p *BodyPart) textLeaf(section string) textChoice {
	if (p.Is("text/plain") || p.Is("text/html")) && !p.IsAttachment() {
		return textChoice{section, p}
	}
	return textChoice{}
}

// textIn looks through the children of a multipart.
func (p *BodyPart) textIn(prefix string) textChoice {
	var best textChoice
	first, enough := 0, 2
	switch {
	case p.Is("multipart/alternative"):
		enough = 3
	case p.Is("multipart/related"):
		first = p.relatedRoot()
	}
	for i := range p.Parts {
		i = (i + first) % len(p.Parts)
		child, section := &p.Parts[i], prefix+strconv.Itoa(i+1)
		c := child.textLeaf(section)
		if child.isMultipart() {
			c = child.textIn(section + ".")
		}
		if c.rank() > best.rank() {
			best = c
		}
		if best.rank() >= enough {
			break
		}
	}
	return best
}

// relatedRoot returns the index of the part that the start parameter names, else 0 (RFC 2387
// section 3.2).
func (p *BodyPart) relatedRoot() int {
	start := strings.Trim(p.Param("start"), "<> ")
	for i := range p.Parts {
		if id := strings.Trim(p.Parts[i].ID, "<> "); id != "" && id == start {
			return i
		}
	}
	return 0
}
