package watch_test

import (
	"strings"
	"testing"

	"github.com/pushmail/pushmail/event"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/watch"
)

const letter = "From: Jo <jo@example.org>\r\nTo: al@example.org\r\nSubject: Plans\r\n" +
	"List-Id: =?utf-8?q?Caf=C3=A9?=\r\n <cafe.example.org>\r\nX-Spam: no\r\nMessage-ID: <1@example.org>\r\n" +
	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"Gr=FC=DFe aus K=F6ln,\r\nwie besprochen.\r\n" +
	"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nPDF\r\n--b--\r\n"

func TestEventsTellWhatWasAskedFor(t *testing.T) {
	for _, tt := range []struct {
		name    string
		content watch.Content
		fetches int // commands for one message that was pushed
		check   func(s *watch.Summary) bool
	}{
		{"as always", watch.Content{}, 1, func(s *watch.Summary) bool {
			return s.Envelope.Subject == "Plans" && len(s.Attachments) == 1 && s.Size > 0 && s.Headers == nil && s.Text == "" && s.Preview == ""
		}},
		{"brief", watch.Content{Brief: true}, 1, func(s *watch.Summary) bool {
			return s.Envelope == nil && s.Attachments == nil && s.Size > 0
		}},
		{"headers", watch.Content{Headers: []string{"List-Id", "x-spam", "X-Missing"}}, 1, func(s *watch.Summary) bool {
			return len(s.Headers) == 2 && s.Headers[0] == event.Header{Name: "List-Id", Value: "Café <cafe.example.org>"} && s.Headers[1].Value == "no"
		}},
		{"text", watch.Content{Brief: true, Text: 1000}, 2, func(s *watch.Summary) bool {
			return strings.TrimSpace(s.Text) == "Grüße aus Köln,\nwie besprochen." && s.Attachments == nil
		}},
		{"text, cut at a character", watch.Content{Text: 4}, 2, func(s *watch.Summary) bool { return s.Text == "Gr\u00fc…" }},
		{"preview", watch.Content{Preview: true}, 2, func(s *watch.Summary) bool {
			return s.Preview == "Grüße aus Köln, wie besprochen."
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(b *bench) {
				b.opts.Content = tt.content
				b.start()
				b.take()
				fetches := b.count("UID FETCH")
				b.box.Append([]byte(letter))
				got := b.take()
				if len(got) != 1 || got[0].Message == nil {
					t.Fatalf("events %v", got)
				}
				if !tt.check(got[0].Message) {
					t.Errorf("message %+v", got[0].Message)
				}
				if n := fetches(); n != tt.fetches {
					t.Errorf("%d FETCHes, want %d", n, tt.fetches)
				}
			})
		})
	}
}

// A server that does not give the text costs the text, not the event.
func TestTextThatCannotBeHadIsLeftOut(t *testing.T) {
	inBubble(t, nil, func(b *bench) {
		b.opts.Content = watch.Content{Text: 100, Preview: true}
		b.start()
		b.take()
		first := true
		b.server.SetOnCommand(func(c imaptest.Command) imaptest.Verdict {
			if c.Name != "UID FETCH" {
				return imaptest.Pass
			}
			if first {
				first = false
				return imaptest.Pass
			}
			return imaptest.Reply("{tag} NO [SERVERBUG] cannot read that\r\n")
		})
		b.box.Append(mail("hello"), imap.FlagFlagged)
		b.expect("new 1 hello")
	})
}
