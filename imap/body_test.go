package imap_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

// tree reads a body structure from lines indented by two spaces a level:
//
//	text/plain 120 attachment name=a.txt id=x
func tree(t testing.TB, text string) *imap.BodyPart {
	t.Helper()
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	root, rest := subtree(t, lines, 0)
	if len(rest) > 0 {
		t.Fatalf("more than one root: %q", rest)
	}
	return &root
}

func subtree(t testing.TB, lines []string, depth int) (imap.BodyPart, []string) {
	p := part(t, lines[0])
	lines = lines[1:]
	for len(lines) > 0 && strings.HasPrefix(lines[0], strings.Repeat("  ", depth+1)) {
		var child imap.BodyPart
		child, lines = subtree(t, lines, depth+1)
		p.Parts = append(p.Parts, child)
	}
	return p, lines
}

func part(t testing.TB, line string) (p imap.BodyPart) {
	p.Size = 10
	for i, word := range strings.Fields(line) {
		key, value, isParam := strings.Cut(word, "=")
		switch {
		case i == 0:
			p.Type, p.Subtype, _ = strings.Cut(word, "/")
		case word == "empty":
			p.Size = 0
		case !isParam:
			p.Disposition = word
		case key == "id":
			p.ID = value
		case strings.HasPrefix(key, "filename"):
			p.DispositionParams = append(p.DispositionParams, imap.Param{Name: key, Value: value})
		default:
			p.Params = append(p.Params, imap.Param{Name: key, Value: value})
		}
	}
	return p
}

func sections(list func(func(string, *imap.BodyPart) bool)) (out []string) {
	for section, p := range list {
		out = append(out, section+" "+p.MediaType())
	}
	return out
}

func TestWalk(t *testing.T) {
	for name, c := range map[string]struct {
		tree string
		want []string
	}{
		"one part": {"text/plain", []string{"1 text/plain"}},
		"RFC 9051 section 6.4.5.1": {`
multipart/mixed
  text/plain
  application/octet-stream
  message/rfc822
    multipart/mixed
      text/plain
      application/octet-stream
  multipart/mixed
    image/gif
    message/rfc822
      multipart/mixed
        text/plain
        multipart/alternative
          text/plain
          text/richtext`, []string{
			"TEXT multipart/mixed",
			"1 text/plain",
			"2 application/octet-stream",
			"3 message/rfc822",
			"3.TEXT multipart/mixed",
			"3.1 text/plain",
			"3.2 application/octet-stream",
			"4 multipart/mixed",
			"4.1 image/gif",
			"4.2 message/rfc822",
			"4.2.TEXT multipart/mixed",
			"4.2.1 text/plain",
			"4.2.2 multipart/alternative",
			"4.2.2.1 text/plain",
			"4.2.2.2 text/richtext",
		}},
		"a message with one part": {`
multipart/mixed
  text/plain
  message/rfc822
    text/plain`, []string{"TEXT multipart/mixed", "1 text/plain", "2 message/rfc822", "2.1 text/plain"}},
		"a message in a message in a message": {`
message/rfc822
  message/global
    text/plain`, []string{"1 message/rfc822", "1.1 message/global", "1.1.1 text/plain"}},
		"a message that is nothing but a forwarded multipart": {`
message/rfc822
  multipart/alternative
    text/plain`, []string{"1 message/rfc822", "1.TEXT multipart/alternative", "1.1 text/plain"}},
		"an encoded message, which the server did not look into": {`
multipart/mixed
  message/rfc822`, []string{"TEXT multipart/mixed", "1 message/rfc822"}},
		"a multipart without children": {`
multipart/mixed
  multipart/alternative
  text/plain`, []string{"TEXT multipart/mixed", "1 multipart/alternative", "2 text/plain"}},
		"any case": {`
MULTIPART/MIXED
  MESSAGE/RFC822
    TEXT/PLAIN`, []string{"TEXT multipart/mixed", "1 message/rfc822", "1.1 text/plain"}},
		"other message types are leaves": {`
multipart/report
  text/plain
  message/delivery-status`, []string{"TEXT multipart/report", "1 text/plain", "2 message/delivery-status"}},
	} {
		p := tree(t, c.tree)
		if got := sections(p.Walk()); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
		for stop := range c.want {
			n := 0
			for range p.Walk() {
				if n++; n > stop {
					break
				}
			}
		}
	}
}

func TestIs(t *testing.T) {
	p := &imap.BodyPart{Type: "TEXT", Subtype: "Plain", Params: []imap.Param{{Name: "CHARSET", Value: "UTF-8"}}}
	for mediaType, want := range map[string]bool{
		"text/plain": true, "Text/PLAIN": true, "text/*": true, "text/html": false, "image/*": false, "text": false, "": false,
	} {
		if got := p.Is(mediaType); got != want {
			t.Errorf("Is(%q) = %v", mediaType, got)
		}
	}
	if got := p.Param("charset"); got != "UTF-8" {
		t.Errorf("Param = %q", got)
	}
	if got := p.Param("format"); got != "" {
		t.Errorf("Param of nothing = %q", got)
	}
}

func TestFilename(t *testing.T) {
	for line, want := range map[string]string{
		"image/png":                                      "",
		"image/png name=a.png":                           "a.png",
		"image/png filename=b.png":                       "b.png",
		"image/png filename=b.png name=a":                "b.png",
		"image/png filename= name=a.png":                 "a.png",
		"image/png name*=utf-8''%C3%A4.png":              "ä.png",
		"image/png name==?utf-8?q?=C3=A4?=":              "ä",
		"image/png filename*0=a filename*1=b.png name=c": "ab.png",
	} {
		p := part(t, line)
		if got := p.Filename(nil); got != want {
			t.Errorf("Filename of %q = %q, want %q", line, got, want)
		}
	}
}

func TestIsAttachment(t *testing.T) {
	for line, want := range map[string]bool{
		"text/plain":                             false,
		"text/plain inline":                      false,
		"text/plain attachment":                  true,
		"text/plain ATTACHMENT":                  true,
		"text/plain inline filename=a.txt":       true, // Apple Mail
		"text/plain name=a.txt":                  true,
		"text/calendar":                          false,
		"text/calendar name=invite.ics":          true,
		"text/plain x-strange":                   true, // RFC 2183 section 2.8
		"application/pdf":                        true,
		"application/pdf inline filename=a.pdf":  true, // Apple Mail
		"image/png":                              true,
		"image/png id=<a>":                       false,
		"image/png inline":                       false,
		"image/png inline filename=a.png":        false,
		"image/png attachment id=<a>":            true,
		"multipart/mixed attachment":             false,
		"message/rfc822":                         true,
		"message/delivery-status":                false,
		"application/pgp-signature name=sig.asc": false,
		"application/pkcs7-signature attachment": true,
		"application/octet-stream":               true,
		"application/ms-tnef name=winmail.dat":   true,
		"APPLICATION/PGP-ENCRYPTED":              false,
	} {
		p := part(t, line)
		if got := p.IsAttachment(); got != want {
			t.Errorf("IsAttachment of %q = %v", line, got)
		}
	}
}

func TestAttachments(t *testing.T) {
	p := tree(t, `
multipart/mixed
  multipart/related
    text/html
    image/png inline id=<logo>
  application/pdf attachment filename=a.pdf
  message/rfc822 attachment
    multipart/mixed
      text/plain
      image/png attachment
  image/jpeg`)
	want := []string{"2 application/pdf", "3 message/rfc822", "4 image/jpeg"}
	if got := sections(p.Attachments()); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for section := range p.Attachments() {
		if section != "2" {
			t.Errorf("did not stop: %s", section)
		}
		break
	}
}

func TestTextPart(t *testing.T) {
	for _, c := range []struct{ name, tree, want string }{
		{"plain", "text/plain", "1"},
		{"html", "text/html", "1"},
		{"no text", "image/png", ""},
		{"attached", "text/plain attachment", ""},
		{"calendar", "text/calendar", ""},
		{"alternative", `
multipart/alternative
  text/plain
  text/html`, "1"},
		{"alternative the wrong way round", `
multipart/alternative
  text/html
  text/plain`, "2"},
		{"alternative with an empty plain text", `
multipart/alternative
  text/plain empty
  text/html`, "2"},
		{"alternative with related", `
multipart/alternative
  text/plain
  multipart/related
    text/html
    image/png id=<a>`, "1"},
		{"alternative with nothing but an empty text", `
multipart/alternative
  text/plain empty`, "1"},
		{"related in mixed", `
multipart/mixed
  multipart/related
    text/html
    image/png id=<a>
  application/pdf attachment`, "1.1"},
		{"related with a start", `
multipart/related start=<b>
  text/plain id=<a>
  text/html id=<b>`, "2"},
		{"related with a start that is not there", `
multipart/related start=<z>
  text/html id=<a>
  text/plain id=<b>`, "1"},
		{"the footer of a mailing list", `
multipart/mixed
  text/html
  text/plain`, "1"},
		{"an empty text in front of a picture", `
multipart/mixed
  text/plain empty
  image/png attachment
  text/html`, "3"},
		{"a text that is attached comes first", `
multipart/mixed
  text/plain attachment filename=a.txt
  multipart/alternative
    text/html
    text/plain`, "2.2"},
		{"signed", `
multipart/signed
  multipart/mixed
    text/plain
  application/pgp-signature`, "1.1"},
		{"encrypted", `
multipart/encrypted
  application/pgp-encrypted
  application/octet-stream`, ""},
		{"the text of an attached message is not that of this one", `
multipart/mixed
  message/rfc822
    text/plain`, ""},
		{"a report", `
multipart/report
  text/plain
  message/delivery-status
  message/rfc822
    text/html`, "1"},
	} {
		p := tree(t, c.tree)
		section, got := p.TextPart()
		if section != c.want || (got != nil) != (c.want != "") {
			t.Errorf("%s: TextPart = %q, %v, want %q", c.name, section, got, c.want)
		}
		for s, part := range p.Walk() {
			if got == part && s != section {
				t.Errorf("%s: TextPart says %q where Walk says %q", c.name, section, s)
			}
		}
	}
}

func ExampleBodyPart_Walk() {
	body := &imap.BodyPart{Type: "multipart", Subtype: "mixed", Parts: []imap.BodyPart{
		{Type: "text", Subtype: "plain"},
		{Type: "message", Subtype: "rfc822", Parts: []imap.BodyPart{{Type: "text", Subtype: "html"}}},
	}}
	for section, part := range body.Walk() {
		fmt.Printf("BODY[%s] is %s\n", section, part.MediaType())
	}
	// Output:
	// BODY[TEXT] is multipart/mixed
	// BODY[1] is text/plain
	// BODY[2] is message/rfc822
	// BODY[2.1] is text/html
}
