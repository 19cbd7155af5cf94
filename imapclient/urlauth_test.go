package imapclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imapclient"
)

func TestURLAuth(t *testing.T) {
	const rump, token = "imap://jo@example.org/INBOX/;uid=20;urlauth=anonymous", "91354a473744909de610943775f92038"
	const signed = rump + ":internal:" + token
	var log bytes.Buffer
	o := plain()
	o.Trace = &imapclient.Trace{W: &log}
	sessionWith(t, "URLAUTH", `
		C: {c} GENURLAUTH "`+rump+`" INTERNAL "x y" INTERNAL
		S: * GENURLAUTH "`+signed+`" "x y:z" "one too many"
		S: {c} OK done
		C: {d} URLFETCH "`+signed+`" "a b"
		S: * URLFETCH "`+signed+`" {5}
		S-raw: "hello\r\n"
		S: * URLFETCH "a b" NIL
		S: {d} OK done
		C: {e} RESETKEY
		S: {e} OK [URLMECH INTERNAL] done
		C: {f} RESETKEY INBOX INTERNAL
		S: {f} NO no
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		urls, err := c.GenURLAuth(ctx, "INTERNAL", rump, "x y")
		if got := strings.Join(urls, " "); got != signed+" x y:z" || err != nil {
			t.Errorf("%s, %v", got, err)
		}
		contents, err := c.URLFetch(ctx, signed, "a b")
		if got := fmt.Sprint(contents); got != "[{"+signed+" hello false} {a b  true}]" || err != nil {
			t.Errorf("%s, %v", got, err)
		}
		if err := errors.Join(c.ResetKey(ctx, "")); err != nil {
			t.Error(err)
		}
		if err := c.ResetKey(ctx, "INBOX", "INTERNAL"); err == nil {
			t.Error("no error")
		}
		if _, err := c.URLFetch(ctx); err == nil || !imapclient.SafeToRetry(err) {
			t.Errorf("error %v", err)
		}
		if text := log.String(); strings.Contains(text, token) || !strings.Contains(text, "* GENURLAUTH ********") {
			t.Errorf("the trace has the token:\n%s", text)
		}
	})
	session(t, "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		_, err1 := c.GenURLAuth(ctx, "INTERNAL", rump)
		_, err2 := c.URLFetch(ctx, rump)
		for _, err := range []error{err1, err2, c.ResetKey(ctx, "")} {
			if !errors.As(err, new(*imapclient.UnsupportedError)) {
				t.Errorf("error %v", err)
			}
		}
	})
}
