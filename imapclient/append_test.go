package imapclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imapwire"
)

// mail returns a message of n bytes.
func mail(n int) imap.AppendMessage { return imap.AppendMessage{Data: bytes.Repeat([]byte("x"), n)} }

func TestAppendMessages(t *testing.T) {
	when := time.Date(2026, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
	const multi = "MULTIAPPEND "
	for _, tt := range []struct {
		name, caps, script string
		messages           []imap.AppendMessage
		want               string // what went, and a part of the error
	}{
		{"flags and date", "", `C: {c} APPEND Sent (\Seen $Work) " 3-Feb-2026 04:05:06 +0100" {5+}
			C-raw: "xxxxx\r\n"
			S: {c} OK [APPENDUID 38505 3955] done`, []imap.AppendMessage{{Flags: []imap.Flag{imap.FlagSeen, "$Work"}, Date: when, Data: []byte("xxxxx")}}, "[{38505 3955}] "},
		{"reader", "", `C: {c} APPEND Sent {5+}
			C-raw: "hello\r\n"
			S: {c} OK done`, []imap.AppendMessage{{Reader: strings.NewReader("hello"), Size: 5}}, "[{0 0}] "},
		{"APPENDUID ahead", "", `C: {c} APPEND Sent {5+}
			C-raw: "xxxxx\r\n"
			S: * OK [APPENDUID 38505 3955] there
			S: {c} OK done`, []imap.AppendMessage{mail(5)}, "[{38505 3955}] "},
		{"no such mailbox", "", `C: {c} APPEND Sent {5+}
			C-raw: "xxxxx\r\n"
			S: {c} NO [TRYCREATE] none`, []imap.AppendMessage{mail(5)}, "[] TRYCREATE"},
		{"binary", "BINARY", `C: {c} APPEND Sent ~{5+}
			C-raw: "a\x00b\x00c\r\n"
			S: {c} OK done`, []imap.AppendMessage{{Binary: true, Data: []byte("a\x00b\x00c")}}, "[{0 0}] "},
		{"CATENATE", "CATENATE", `C: {c} APPEND Drafts CATENATE (URL "/INBOX;UIDVALIDITY=7/;UID=20/;section=HEADER" TEXT {5+}
			C-raw: "xxxxx TEXT {2+}\r\nhi)\r\n"
			S: {c} NO [BADURL "/INBOX"] none`, []imap.AppendMessage{{Parts: []imap.CatenatePart{
			{URL: "/INBOX;UIDVALIDITY=7/;UID=20/;section=HEADER"}, {Data: []byte("xxxxx")}, {Reader: strings.NewReader("hi"), Size: 2},
		}}}, "[] BADURL"},
		{"annotations", "ANNOTATE-EXPERIMENT-1", `C: {c} APPEND Drafts ANNOTATION (/comment (value.priv "mine")) {5+}
			C-raw: "xxxxx\r\n"
			S: {c} OK done`, []imap.AppendMessage{{Data: []byte("xxxxx"), Annotations: []imap.Annotation{{Entry: "/comment", Values: []imap.Attribute{{Name: "value.priv", Value: "mine"}}}}}}, "[{0 0}] "},

		{"many at once", multi, `C: {c} APPEND Sent {2+}
			C-raw: "xx (\\Seen) {3+}\r\nxxx {1+}\r\nx\r\n"
			S: {c} OK [APPENDUID 5 10,12:13] done`, []imap.AppendMessage{mail(2), {Flags: []imap.Flag{imap.FlagSeen}, Data: []byte("xxx")}, mail(1)}, "[{5 10} {5 12} {5 13}] "},
		{"many at once, all or none", multi, `C: {c} APPEND Sent {2+}
			C-raw: "xx {3+}\r\nxxx\r\n"
			S: {c} NO [OVERQUOTA] full`, []imap.AppendMessage{mail(2), mail(3)}, "[] OVERQUOTA"},
		{"many at once, UIDs that are too few", multi, `C: {c} APPEND Sent {2+}
			C-raw: "xx {3+}\r\nxxx\r\n"
			S: {c} OK [APPENDUID 5 10] done`, []imap.AppendMessage{mail(2), mail(3)}, "[{0 0} {0 0}] "},
		{"many at once, UIDs without end", multi, `C: {c} APPEND Sent {2+}
			C-raw: "xx {3+}\r\nxxx\r\n"
			S: {c} OK [APPENDUID 5 1:4294967295] done`, []imap.AppendMessage{mail(2), mail(3)}, "[{0 0} {0 0}] "},
		{"one by one", "", `C: {c} APPEND Sent {2+}
			C-raw: "xx\r\n"
			S: {c} OK [APPENDUID 5 10] done
			C: {d} APPEND Sent {3+}
			C-raw: "xxx\r\n"
			S: {d} OK [APPENDUID 5 17] done`, []imap.AppendMessage{mail(2), mail(3)}, "[{5 10} {5 17}] "},
		{"one by one, up to the first error", "", `C: {c} APPEND Sent {2+}
			C-raw: "xx\r\n"
			S: {c} OK [APPENDUID 5 10] done
			C: {d} APPEND Sent {3+}
			C-raw: "xxx\r\n"
			S: {d} NO [OVERQUOTA] full`, []imap.AppendMessage{mail(2), mail(3), mail(4)}, "[{5 10}] message 2 of 3: APPEND: server said NO [OVERQUOTA]"},

		{"within the limit of the server", "APPENDLIMIT=70000", `C: {c} APPEND Sent {70000+}
			C-raw: "` + strings.Repeat("x", 70000) + `\r\n"
			S: {c} OK done`, []imap.AppendMessage{mail(70000)}, "[{0 0}] "},
		{"beyond it", "APPENDLIMIT=70000", "", []imap.AppendMessage{mail(3), mail(70001)}, "[] message 1 has 70001 bytes, and the server takes 70000 at most"},
		{"beyond it, in parts", "APPENDLIMIT=10 CATENATE", "", []imap.AppendMessage{{Parts: []imap.CatenatePart{{Data: []byte("123456")}, {URL: "/x"}, {Reader: strings.NewReader("78901"), Size: 5}}}}, "[] 11 bytes"},
		{"limit not known", "", `C: {c} APPEND Sent {70000}
			S: + go on
			C-raw: "` + strings.Repeat("x", 70000) + `\r\n"
			S: {c} OK done`, []imap.AppendMessage{mail(70000)}, "[{0 0}] "},
		{"limit not known, refused", "", `C: {c} APPEND Sent {70000}
			S: {c} NO [TOOBIG] too big`, []imap.AppendMessage{mail(70000)}, "[] TOOBIG"},
		{"beyond the limit of the mailbox", "APPENDLIMIT", `C: {c} STATUS Sent (APPENDLIMIT)
			S: * STATUS Sent (APPENDLIMIT 5000)
			S: {c} OK done`, []imap.AppendMessage{mail(5001)}, "[] takes 5000 at most"},
		{"mailbox without a limit", "APPENDLIMIT", `C: {c} STATUS Sent (APPENDLIMIT)
			S: * STATUS Sent (APPENDLIMIT NIL)
			S: {c} OK done
			C: {d} APPEND Sent {70000+}
			C-raw: "` + strings.Repeat("x", 70000) + `\r\n"
			S: {d} OK done`, []imap.AppendMessage{mail(70000)}, "[{0 0}] "},
		{"limit of a mailbox that is not there", "APPENDLIMIT", `C: {c} STATUS Sent (APPENDLIMIT)
			S: {c} NO [NONEXISTENT] none
			C: {d} APPEND Sent {5000+}
			C-raw: "` + strings.Repeat("x", 5000) + `\r\n"
			S: {d} NO [TRYCREATE] none`, []imap.AppendMessage{mail(5000)}, "[] TRYCREATE"},
		{"limit is not asked for a small message", "APPENDLIMIT", `C: {c} APPEND Sent {5+}
			C-raw: "xxxxx\r\n"
			S: {c} OK done`, []imap.AppendMessage{mail(5)}, "[{0 0}] "},

		{"none", "", "", nil, "[] message: is missing"},
		{"empty", "MULTIAPPEND", "", []imap.AppendMessage{mail(1), {}}, "[] argument 3, message: is empty"},
		{"NUL", "", "", []imap.AppendMessage{{Data: []byte("a\x00")}}, "[] has a NUL"},
		{"no CATENATE", "", "", []imap.AppendMessage{{Parts: []imap.CatenatePart{{URL: "x"}}}}, "[] does not offer CATENATE"},
		{"no BINARY", "", "", []imap.AppendMessage{{Binary: true, Data: []byte("x")}}, "[] does not offer BINARY"},
		{"no ANNOTATE", "", "", []imap.AppendMessage{{Data: []byte("x"), Annotations: []imap.Annotation{{Entry: "/x"}}}}, "[] does not offer ANNOTATE"},
		{"no UTF8", "UTF8=ACCEPT", "", []imap.AppendMessage{{UTF8: true, Data: []byte("x")}}, "[] enable UTF8=ACCEPT first"},
		{"flag that is none", "", "", []imap.AppendMessage{{Flags: []imap.Flag{"a\r\nb"}, Data: []byte("x")}}, "[] is no flag"},
		{"negative size", "", "", []imap.AppendMessage{{Reader: strings.NewReader(""), Size: -1}}, "[] negative size"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mailbox := "Sent"
			if strings.Contains(tt.script, "Drafts") {
				mailbox = "Drafts"
			}
			sessionWith(t, tt.caps, tt.script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				done, err := c.AppendMessages(ctx, mailbox, tt.messages...)
				got := fmt.Sprint(done) + " "
				rest, ok := strings.CutPrefix(tt.want, got)
				if !ok || (rest == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), rest) {
					t.Errorf("got  %s%v\nwant %s", got, err, tt.want)
				}
				if tt.script == "" && !imapclient.SafeToRetry(err) {
					t.Errorf("%v is not safe to retry", err)
				}
				if err != nil && c.Err() != nil {
					t.Errorf("the connection is closed: %v", c.Err())
				}
			})
		})
	}
}

func TestAppendWithoutNonSynchronisingLiterals(t *testing.T) {
	o := plain()
	o.MaskCapabilities = []imap.Capability{imap.CapLiteralPlus}
	sessionWith(t, "MULTIAPPEND", `
		C: {c} APPEND Sent {2}
		S: + go on
		C-raw: "xx {3}\r\n"
		S: + go on
		C-raw: "xxx\r\n"
		S: {c} OK done
		C: {d} APPEND Sent {2}
		S: + go on
		C-raw: "xx {3}\r\n"
		S: {d} NO [OVERQUOTA] no more
		C: {e} APPEND Sent {2}
		S: {e} NO [TRYCREATE] none
		C: {f} NOOP
		S: {f} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		for _, want := range []imap.CodeName{"", imap.CodeOverQuota, imap.CodeTryCreate} {
			_, err := c.AppendMessages(ctx, "Sent", mail(2), mail(3))
			if s, ok := errors.AsType[*imap.StatusError](err); ok != (want != "") || ok && !s.HasCode(want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestAppendWithLiteralMinus(t *testing.T) {
	o := plain()
	o.MaskCapabilities = []imap.Capability{imap.CapLiteralPlus}
	sessionWith(t, "LITERAL- MULTIAPPEND APPENDLIMIT=100000", `
		C: {c} APPEND Sent {4096+}
		C-raw: "`+strings.Repeat("x", 4096)+` {4097}\r\n"
		S: + go on
		C-raw: "`+strings.Repeat("x", 4097)+`\r\n"
		S: {c} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if _, err := c.AppendMessages(ctx, "Sent", mail(4096), mail(4097)); err != nil {
			t.Error(err)
		}
	})
}

func TestAppendOfAUTF8Header(t *testing.T) {
	sessionWith(t, "UTF8=ACCEPT", `
		C: {c} ENABLE UTF8=ACCEPT
		S: * ENABLED UTF8=ACCEPT
		S: {c} OK done
		C: {d} APPEND "Entwürfe" UTF8 (~{17+}
		C-raw: "Subject: f\u00fcr\r\n\r\n)\r\n"
		S: {d} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		_, err := c.Enable(ctx, imap.CapUTF8Accept)
		if err == nil {
			_, err = c.AppendMessages(ctx, "Entwürfe", imap.AppendMessage{UTF8: true, Data: []byte("Subject: für\r\n\r\n")})
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// What is wrong with a reader closes the connection, at once and with its reason, and the server has not got
// the message: the line end that would complete the command is not sent.
func TestAppendFromABadReader(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, tt := range []struct {
		name string
		r    io.Reader
		raw  string
		want error
	}{
		{"too short", strings.NewReader("hello"), "hello", &imapwire.LiteralSizeError{Size: 10, Read: 5}},
		{"empty", strings.NewReader(""), "", &imapwire.LiteralSizeError{Size: 10, Read: 0}},
		{"too long", strings.NewReader("hello worlds"), "hello worl", &imapwire.LiteralSizeError{Size: 10, Read: 11}},
		{"fails", io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(broken)), "hello", broken},
		{"fails with a timeout of its own", io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(context.DeadlineExceeded)), "hello", context.DeadlineExceeded},
		{"fails past its end", io.MultiReader(strings.NewReader("hello worl"), iotest.ErrReader(broken)), "hello worl", broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			script := "C: {c} APPEND Sent {2+}\nC-raw: \"xx {10+}\\r\\n" + tt.raw + "\"\nC-close"
			sessionWith(t, "MULTIAPPEND", script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				began := time.Now()
				_, err := c.AppendMessages(ctx, "Sent", mail(2), imap.AppendMessage{Reader: tt.r, Size: 10})
				why, ok := errors.AsType[*imapclient.ReaderError](err)
				if !ok || why.Message != 1 || !errors.Is(err, net.ErrClosed) || why.Err.Error() != tt.want.Error() {
					t.Errorf("%v, want %v", err, tt.want)
				}
				if took := time.Since(began); took > 0 {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// A reader that gives a byte at a time, and its end together with the last one, is as good as any.
func TestAppendFromAnOddReader(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"byte by byte":     iotest.OneByteReader(strings.NewReader("hello")),
		"EOF with data":    iotest.DataErrReader(strings.NewReader("hello")),
		"nothing at times": iotest.HalfReader(strings.NewReader("hello")),
	} {
		t.Run(name, func(t *testing.T) {
			sessionWith(t, "", "C: {c} APPEND Sent {5+}\nC-raw: \"hello\\r\\n\"\nS: {c} OK done", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				if _, err := c.Append(ctx, "Sent", r, 5, nil); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestContextEndsWhileAMessageIsSent(t *testing.T) {
	sessionWith(t, "APPENDLIMIT=10000000", `
		C: {c} APPEND Sent {5000000+}
		stall 1m
		close
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		began := time.Now()
		_, err := c.AppendMessages(ctx, "Sent", mail(5000000))
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || c.Err() == nil || imapclient.SafeToRetry(err) || took != time.Second {
			t.Errorf("%v after %v, connection %v", err, took, c.Err())
		}
	})
}

func TestReplace(t *testing.T) {
	for _, tt := range []struct {
		name, caps, mask, script string
		uid                      imap.UID
		want                     string
	}{
		{"REPLACE", "REPLACE", "", `C: {c} UID REPLACE 2000 Drafts (\Draft) {5+}
			C-raw: "hello\r\n"
			S: * OK [APPENDUID 1 2001] ready
			S: * 5 EXISTS
			S: * 4 EXPUNGE
			S: {c} OK done`, 2000, "{1 2001} "},
		{"REPLACE, refused", "REPLACE", "", `C: {c} UID REPLACE 2000 Drafts (\Draft) {5+}
			C-raw: "hello\r\n"
			S: {c} NO no such message`, 2000, "nil UID REPLACE: server said NO"},
		{"REPLACE, beyond the limit", "REPLACE APPENDLIMIT=4", "", "", 2000, "nil takes 4 at most"},
		{"in steps", "", "", `C: {c} UID FETCH 2000 (UID)
			S: * 4 FETCH (UID 2000)
			S: {c} OK done
			C: {d} APPEND Drafts (\Draft) {5+}
			C-raw: "hello\r\n"
			S: {d} OK [APPENDUID 1 2001] done
			C: {e} UID STORE 2000 +FLAGS.SILENT (\Deleted)
			S: {e} OK done
			C: {f} UID EXPUNGE 2000
			S: {f} OK done`, 2000, "{1 2001} "},
		{"in steps, no such message", "", "", `C: {c} UID FETCH 2000 (UID)
			S: * 4 FETCH (UID 1999 FLAGS ())
			S: {c} OK done`, 2000, "nil no such message"},
		{"in steps, APPEND refused", "", "", `C: {c} UID FETCH 2000 (UID)
			S: * 4 FETCH (UID 2000)
			S: {c} OK done
			C: {d} APPEND Drafts (\Draft) {5+}
			C-raw: "hello\r\n"
			S: {d} NO [OVERQUOTA] full`, 2000, "nil OVERQUOTA"},
		{"in steps, STORE refused", "", "", `C: {c} UID FETCH 2000 (UID)
			S: * 4 FETCH (UID 2000)
			S: {c} OK done
			C: {d} APPEND Drafts (\Draft) {5+}
			C-raw: "hello\r\n"
			S: {d} OK [APPENDUID 1 2001] done
			C: {e} UID STORE 2000 +FLAGS.SILENT (\Deleted)
			S: {e} NO [NOPERM] no`, 2000, "{1 2001} REPLACE in steps ended after APPEND"},
		{"in steps, EXPUNGE cut off", "", "", `C: {c} UID FETCH 2000 (UID)
			S: * 4 FETCH (UID 2000)
			S: {c} OK done
			C: {d} APPEND Drafts (\Draft) {5+}
			C-raw: "hello\r\n"
			S: {d} OK [APPENDUID 1 2001] done
			C: {e} UID STORE 2000 +FLAGS.SILENT (\Deleted)
			S: {e} OK done
			C: {f} UID EXPUNGE 2000
			close`, 2000, "{1 2001} REPLACE in steps ended after STORE"},
		{"without UIDPLUS", "", "UIDPLUS", "", 2000, "nil does not offer REPLACE"},
		{"no UID", "REPLACE", "", "", 0, "nil is zero"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := plain()
			o.MaskCapabilities = []imap.Capability{imap.Capability(tt.mask)}
			sessionWith(t, tt.caps, tt.script, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				done, err := c.Replace(ctx, tt.uid, "Drafts", imap.AppendMessage{Flags: []imap.Flag{imap.FlagDraft}, Reader: strings.NewReader("hello"), Size: 5})
				got := "nil "
				if done != nil {
					got = fmt.Sprint(*done) + " "
				}
				rest, ok := strings.CutPrefix(tt.want, got)
				if !ok || (rest == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), rest) {
					t.Errorf("got  %s%v\nwant %s", got, err, tt.want)
				}
				if tt.script == "" && !imapclient.SafeToRetry(err) {
					t.Errorf("%v is not safe to retry", err)
				}
			})
		})
	}
	session(t, "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if _, err := c.Replace(ctx, 7, "INBOX", mail(3)); !errors.Is(err, imapclient.ErrReadOnly) {
			t.Errorf("read-only: %v", err)
		}
	})
}
