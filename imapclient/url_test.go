package imapclient_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imapclient"
)

func TestURLs(t *testing.T) {
	for _, tt := range []struct {
		text string
		want imapclient.URL
		back string // what String returns; "" for text
	}{
		{"imaps://mail.example.org/", imapclient.URL{Addr: "mail.example.org"}, ""},
		{"imaps://mail.example.org", imapclient.URL{Addr: "mail.example.org"}, "imaps://mail.example.org/"},
		{"IMAPS://jo@mail.example.org:1993/INBOX", imapclient.URL{Addr: "mail.example.org:1993", User: "jo", Mailbox: "INBOX"}, "imaps://jo@mail.example.org:1993/INBOX"},
		{"imap://jo@mail.example.org/a/b", imapclient.URL{Security: imapclient.StartTLS, Addr: "mail.example.org", User: "jo", Mailbox: "a/b"}, ""},
		{"imap://h/?security=insecure-plaintext", imapclient.URL{Security: imapclient.InsecurePlaintext, Addr: "h"}, ""},
		{"imap://h?security=insecure-opportunistic-tls", imapclient.URL{Security: imapclient.InsecureOpportunisticTLS, Addr: "h"}, "imap://h/?security=insecure-opportunistic-tls"},
		{"imaps://jo%40example.org:p%3Aw@h/", imapclient.URL{Addr: "h", User: "jo@example.org", Password: "p:w", HasPassword: true}, "imaps://jo%40example.org@h/"},
		{"imaps://jo@example.org@h/", imapclient.URL{Addr: "h", User: "jo@example.org"}, "imaps://jo%40example.org@h/"},
		{"imaps://jo:@h/", imapclient.URL{Addr: "h", User: "jo", HasPassword: true}, "imaps://jo@h/"},
		{"imaps://jo;AUTH=SCRAM-SHA-256@h/", imapclient.URL{Addr: "h", User: "jo", Auth: "SCRAM-SHA-256"}, ""},
		{"imaps://;auth=*@h/", imapclient.URL{Addr: "h", Auth: "*"}, "imaps://;AUTH=*@h/"},
		{"imaps://a%3BAUTH=PLAIN@h/", imapclient.URL{Addr: "h", User: "a;AUTH=PLAIN"}, "imaps://a%3BAUTH%3DPLAIN@h/"},
		{"imaps://[2001:db8::1]/", imapclient.URL{Addr: "[2001:db8::1]"}, ""},
		{"imaps://[2001:db8::1]:993/", imapclient.URL{Addr: "[2001:db8::1]:993"}, ""},
		{"imaps://h/%E5%8F%B0%E5%8C%97/a%3Bb%20c%3F%23", imapclient.URL{Addr: "h", Mailbox: "台北/a;b c?#"}, ""},
	} {
		got, err := imapclient.ParseURL(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if *got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.text, *got, tt.want)
		}
		if tt.back == "" {
			tt.back = tt.text
		}
		if got.String() != tt.back {
			t.Errorf("%s: String is %s, want %s", tt.text, got, tt.back)
		}
		if o := got.Options(); o.Addr != tt.want.Addr || o.Security != tt.want.Security {
			t.Errorf("%s: options for %s with %v", tt.text, o.Addr, o.Security)
		}
	}
}

func TestBadURLs(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"mail.example.org", "must start with imaps://"},
		{"pop3://h/", "unknown scheme"},
		{"imaps:///INBOX", "names no host"},
		{"imaps://jo:hunter2@", "names no host"},
		{"imaps://h:99999/", "port"},
		{"imaps://h:/", "port"},
		{"imaps://h:0/", "port"},
		{"imaps://jo:hunter2%zz@h/", "percent-encoded"},
		{"imaps://jo:hunter2/x@h/", "%2F"},
		{"imaps://jo:hunter2@h/INBOX?SUBJECT%20x", "not supported"},
		{"imaps://jo:hunter2@h/INBOX#x", "not supported"},
		{"imaps://h/?security=insecure-plaintext", "not supported"},
		{"imap://h/?security=none", "insecure-plaintext"},
		{"imap://h/?starttls=never", "not supported"},
		{"imap://h/INBOX;UIDVALIDITY=7/;UID=20", "more than a mailbox"},
		{"imap://h/INBOX/;uid=20", "more than a mailbox"},
	} {
		got, err := imapclient.ParseURL(tt.text)
		switch {
		case err == nil:
			t.Errorf("%s: read as %+v", tt.text, *got)
		case !strings.Contains(err.Error(), tt.want):
			t.Errorf("%s: error %q, want one with %q", tt.text, err, tt.want)
		case strings.Contains(err.Error(), "hunter2"):
			t.Errorf("the password is in the error %q", err)
		}
	}
}

func TestURLReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := imapclient.URL{
			Security: imapclient.Security(rapid.IntRange(0, 3).Draw(t, "security")),
			Addr:     rapid.SampledFrom([]string{"h", "mail.example.org:1993", "[::1]:143", "192.0.2.1"}).Draw(t, "addr"),
			User:     rapid.String().Draw(t, "user"),
			Auth:     rapid.SampledFrom([]string{"", "*", "PLAIN"}).Draw(t, "auth"),
			Mailbox:  rapid.String().Draw(t, "mailbox"),
		}
		got, err := imapclient.ParseURL(want.String())
		if err != nil || *got != want {
			t.Fatalf("%s: got %+v, %v; want %+v", want.String(), got, err, want)
		}
	})
}

func TestURLDoesNotPrintItsPassword(t *testing.T) {
	u, err := imapclient.ParseURL("imaps://jo:hunter2@h/")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, u); strings.Contains(text, "hunter2") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}
