package imaptest

import (
	"bytes"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// bodyStructure describes a part as BODYSTRUCTURE does (RFC 9051 section 7.5.2).
func (p *part) bodyStructure() *imap.BodyPart {
	b := p.structure()
	return &b
}

func (p *part) structure() imap.BodyPart {
	var b imap.BodyPart
	b.Type, b.Subtype, _ = strings.Cut(p.kind.word, "/")
	b.Params = p.kind.params
	if disposition := parseHeaderValue(firstOr(p.fields, "Content-Disposition")); disposition.word != "" {
		b.Disposition, b.DispositionParams = disposition.word, disposition.params
	}
	b.Ext = p.extension()
	if p.isType("multipart/") {
		for _, child := range p.children {
			b.Parts = append(b.Parts, child.structure())
		}
		if len(b.Parts) == 0 { // the grammar wants one part at least
			b.Parts = []imap.BodyPart{emptyPart()}
		}
		b.Size = 0
		return b
	}
	b.ID = firstOr(p.fields, "Content-ID")
	b.Description = firstOr(p.fields, "Content-Description")
	b.Encoding = "7bit"
	if encoding := parseHeaderValue(firstOr(p.fields, "Content-Transfer-Encoding")); encoding.word != "" {
		b.Encoding = encoding.word
	}
	b.Size = int64(len(p.body))
	switch {
	case p.message != nil:
		b.Envelope = newEnvelope(p.message.fields)
		b.Parts = []imap.BodyPart{p.message.structure()}
		b.Lines = lineCount(p.body)
	case p.isType("message/rfc822"), p.isType("message/global"): // too deep to go on
		b.Type, b.Subtype, b.Params = "application", "octet-stream", nil
	case p.isType("text/"):
		b.Lines = lineCount(p.body)
	}
	return b
}

func emptyPart() imap.BodyPart {
	return imap.BodyPart{Type: "text", Subtype: "plain", Params: []imap.Param{{Name: "charset", Value: "us-ascii"}}, Encoding: "7bit"}
}

func lineCount(b []byte) int64 { return int64(bytes.Count(b, []byte("\n"))) }

func (p *part) extension() *imap.BodyExt {
	ext := imap.BodyExt{
		MD5:      firstOr(p.fields, "Content-MD5"),
		Location: firstOr(p.fields, "Content-Location"),
	}
	for language := range strings.SplitSeq(firstOr(p.fields, "Content-Language"), ",") {
		if language = strings.TrimSpace(language); language != "" {
			ext.Language = append(ext.Language, language)
		}
	}
	if ext.MD5 == "" && ext.Location == "" && ext.Language == nil {
		return nil
	}
	return &ext
}

// bodyBasic returns b without what only BODYSTRUCTURE has.
func bodyBasic(b imap.BodyPart) imap.BodyPart {
	if b.Envelope == nil && len(b.Parts) > 0 { // a multipart: parameters are extension data
		b.Params = nil
	}
	b.Disposition, b.DispositionParams, b.Ext = "", nil, nil
	parts := b.Parts
	b.Parts = nil
	for _, child := range parts {
		b.Parts = append(b.Parts, bodyBasic(child))
	}
	return b
}
