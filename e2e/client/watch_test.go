package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/rawimap"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/watch"
)

func TestSmoke(t *testing.T) {
	s := dovecot.Start(t, dovecot.Options{})
	pool, err := s.CertPool()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	raw, err := rawimap.Dial(s.IMAPS, pool, "jo", dovecot.Password)
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(s.IMAPS)
	_ = host
	n := 0
	for ev, err := range watch.Mailbox(ctx, watch.Options{
		Client: imapclient.Options{Addr: "127.0.0.1:" + port, TLSConfig: &tls.Config{RootCAs: pool}, Trace: &imapclient.Trace{W: os.Stderr}},
		Login:  func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, "jo", dovecot.Password) },
	}) {
		if err != nil {
			t.Fatal(err)
		}
		b, _ := ev.CloudEvent().AppendJSON(nil)
		fmt.Println(string(b))
		switch n {
		case 0:
			if _, err := raw.Append("INBOX", []byte("From: Jo <jo@example.org>\r\nSubject: hi =?utf-8?q?=C3=BC?=\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\n\r\nhello\r\n")); err != nil {
				t.Fatal(err)
			}
		case 1:
			raw.Select("INBOX")
			raw.Store("+FLAGS", `(\Seen)`, uint32(ev.UID))
		case 2:
			raw.Expunge(uint32(ev.UID))
		case 3:
			return
		}
		n++
	}
}

var _ = imap.UID(0)
