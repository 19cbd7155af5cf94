package event_test

import (
	"fmt"
	"net/url"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/event"
)

func TestSourceURL(t *testing.T) {
	for _, c := range []struct{ user, host, mailbox, want string }{
		{"jo", "mail.example.org", "INBOX", "imap://jo@mail.example.org/INBOX"},
		{"jo@example.org", "mail.example.org", "INBOX", "imap://jo%40example.org@mail.example.org/INBOX"},
		{"jo", "mail.example.org", "Archive/2026", "imap://jo@mail.example.org/Archive/2026"},
		{"jo", "mail.example.org", "Sent Items", "imap://jo@mail.example.org/Sent%20Items"},
		{"jo", "mail.example.org", "Entwürfe", "imap://jo@mail.example.org/Entw%C3%BCrfe"},
		{"jo", "mail.example.org", "a?b#c;d%e[f]", "imap://jo@mail.example.org/a%3Fb%23c%3Bd%25e%5Bf%5D"},
		{"jo", "mail.example.org", "[Gmail]/All Mail", "imap://jo@mail.example.org/%5BGmail%5D/All%20Mail"},
		{"jo", "mail.example.org", "INBOX.a&b", "imap://jo@mail.example.org/INBOX.a&b"},
		{"jo", "mail.example.org", "", "imap://jo@mail.example.org/"},
		{"", "mail.example.org", "INBOX", "imap://mail.example.org/INBOX"},
		{"DOM\\jo:x/y", "mail.example.org", "a:b", "imap://DOM%5Cjo%3Ax%2Fy@mail.example.org/a:b"},
		{"jo", "Mail.Example.ORG:993", "a", "imap://jo@mail.example.org/a"},
		{"jo", "mail.example.org:143", "a", "imap://jo@mail.example.org/a"},
		{"jo", "localhost:1993", "a", "imap://jo@localhost:1993/a"},
		{"jo", "[::1]:993", "a", "imap://jo@[::1]/a"},
		{"jo", "[2001:DB8::1]:1143", "a", "imap://jo@[2001:db8::1]:1143/a"},
		{"jo", "::1", "a", "imap://jo@[::1]/a"},
		{"jo", "mail.example.org", "a\r\nb\x00\xff", "imap://jo@mail.example.org/a%0D%0Ab%00%EF%BF%BD"},
	} {
		if got := event.SourceURL(c.user, c.host, c.mailbox); got != c.want {
			t.Errorf("SourceURL(%q, %q, %q)\n got %s\nwant %s", c.user, c.host, c.mailbox, got, c.want)
		}
	}
}

func TestSourceURLGivesItsPartsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		user := rapid.StringN(1, 20, -1).Filter(utf8.ValidString).Draw(t, "user")
		mailbox := rapid.String().Filter(utf8.ValidString).Draw(t, "mailbox")
		source := event.SourceURL(user, "h.example", mailbox)
		u, err := url.Parse(source)
		if err != nil {
			t.Fatalf("%q: %v", source, err)
		}
		if _, secret := u.User.Password(); secret || u.User.Username() != user || u.Host != "h.example" || u.Path != "/"+mailbox {
			t.Fatalf("%q: user %q, host %q, path %q", source, u.User.Username(), u.Host, u.Path)
		}
		if u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("%q has more parts", source)
		}
	})
}

func ExampleSourceURL() {
	fmt.Println(event.SourceURL("jo@example.org", "mail.example.org:993", "Archive/Année 2026"))
	// Output: imap://jo%40example.org@mail.example.org/Archive/Ann%C3%A9e%202026
}
