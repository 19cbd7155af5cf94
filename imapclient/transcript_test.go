package imapclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// plain are options for a pipe.
func plain() *imapclient.Options {
	return &imapclient.Options{Addr: "mail.example.org", Security: imapclient.InsecurePlaintext}
}

// selected is the start of most scripts: a session with a selected mailbox.
const selected = `
	S: * OK [CAPABILITY IMAP4rev1 IDLE LITERAL+ UIDPLUS SASL-IR ENABLE CONDSTORE] hello
	C: {a} LOGIN jo secret
	S: {a} OK [CAPABILITY IMAP4rev1 IDLE LITERAL+ UIDPLUS SASL-IR ENABLE CONDSTORE] welcome
	C: {b} EXAMINE INBOX
	S: * 3 EXISTS
	S: * OK [UIDVALIDITY 7] valid
	S: * OK [UIDNEXT 10] next
	S: {b} OK [READ-ONLY] done
`

// session plays a script against a client that has selected a mailbox.
func session(t *testing.T, script string, o *imapclient.Options, client func(t *testing.T, ctx context.Context, c *imapclient.Conn)) {
	t.Helper()
	playSelected(t, selected+script, o, client)
}

// playSelected plays a script that begins with greeting, LOGIN and EXAMINE of INBOX.
func playSelected(t *testing.T, script string, o *imapclient.Options, client func(t *testing.T, ctx context.Context, c *imapclient.Conn)) {
	t.Helper()
	if o == nil {
		o = plain()
	}
	imaptest.Transcript(t, script, func(t *testing.T, nc net.Conn) {
		ctx := t.Context()
		c, err := imapclient.New(ctx, nc, o)
		if err == nil {
			err = c.Login(ctx, "jo", "secret")
		}
		if err == nil {
			_, err = c.Select(ctx, "INBOX", &imap.SelectOptions{ReadOnly: true})
		}
		if err != nil {
			t.Error(err)
			return
		}
		client(t, ctx, c)
		c.Close()
	})
}

// heard collects what goes to the Handler.
type heard []string

func (h *heard) handle(r imap.Response) {
	switch r := r.(type) {
	case *imap.Message:
		*h = append(*h, fmt.Sprintf("message %d %v", r.SeqNum, r.Flags))
	case *imap.Malformed:
		*h = append(*h, "malformed "+string(r.Raw))
	case *imap.Status:
		*h = append(*h, fmt.Sprintf("%v %v", r.Kind, r.Text))
	case *imap.Unknown:
		*h = append(*h, "unknown "+r.Name)
	default:
		*h = append(*h, fmt.Sprintf("%T %v", r, r))
	}
}

func (h *heard) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.Join(*h, "; "); got != strings.Join(want, "; ") {
		t.Errorf("handler got: %s\nwant: %s", got, strings.Join(want, "; "))
	}
	*h = nil
}

func TestGreetings(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		want         string // part of the error, "" for none
	}{
		{"OK", "S: * OK ready", ""},
		{"without text", "S: * OK", ""},
		{"BYE", "S: * BYE [UNAVAILABLE] come back later", "come back later"},
		{"PREAUTH in cleartext", "S: * PREAUTH welcome", "PREAUTH"},
		{"web server", "S: HTTP/1.1 400 Bad Request", "not an IMAP server"},
		{"SMTP server", "S: 220 mail.example.org ESMTP", "not an IMAP server"},
		{"POP server", "S: +OK ready", "not an IMAP server"},
		{"untagged data", "S: * 3 EXISTS", "not an IMAP server"},
		{"tagged", "S: P1 OK done", "not an IMAP server"},
		{"silence", "wait 30s", "said nothing for 30s"},
		{"closes at once", "close", "closed the connection"},
		{"closes in the middle", "S-raw: \"* OK rea\"\nclose", "closed the connection"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			imaptest.Transcript(t, tt.script, func(t *testing.T, nc net.Conn) {
				_, err := imapclient.New(t.Context(), nc, plain())
				switch {
				case tt.want == "" && err != nil:
					t.Error(err)
				case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
					t.Errorf("error %v, want one with %q", err, tt.want)
				}
			})
		})
	}
}

func TestCapabilitiesAreAskedForOnlyWhenNotVolunteered(t *testing.T) {
	imaptest.Transcript(t, `
		S: * OK hello
		C: {a} CAPABILITY
		S: * CAPABILITY IMAP4rev1 AUTH=PLAIN
		S: {a} OK done
		C: {b} LOGIN jo secret
		S: {b} OK welcome
		C: {c} CAPABILITY
		S: * CAPABILITY IMAP4rev1 IDLE
		S: {c} OK done
	`, func(t *testing.T, nc net.Conn) {
		c, err := imapclient.New(t.Context(), nc, plain())
		if err != nil {
			t.Error(err)
			return
		}
		if err := c.Login(t.Context(), "jo", "secret"); err != nil {
			t.Error(err)
		}
		if caps := c.Capabilities(); !caps.Has(imap.CapIdle) || caps.HasAuth("PLAIN") {
			t.Errorf("capabilities %v", caps)
		}
	})
}

func TestAuthenticate(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		want         string
	}{
		{"initial response", `
			S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN AGpvAHNlY3JldA==
			S: {a} OK [CAPABILITY IMAP4rev1] welcome`, ""},
		{"without SASL-IR", `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN
			S: + 
			C: AGpvAHNlY3JldA==
			S: {a} OK [CAPABILITY IMAP4rev1] welcome`, ""},
		{"refused", `
			S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN AGpvAHNlY3JldA==
			S: {a} NO [AUTHENTICATIONFAILED] no such user`, "no such user"},
		{"unexpected challenge", `
			S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN AGpvAHNlY3JldA==
			S: + d2hhdD8=
			C: *
			S: {a} BAD cancelled`, "unexpected"},
		{"challenge that is not base64", `
			S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello
			C: {a} AUTHENTICATE PLAIN
			S: + 
			C: AGpvAHNlY3JldA==
			S: + ?!?
			C: *
			S: {a} BAD cancelled`, "not base64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			imaptest.Transcript(t, tt.script, func(t *testing.T, nc net.Conn) {
				o := plain()
				o.Trace = &imapclient.Trace{W: &log}
				c, err := imapclient.New(t.Context(), nc, o)
				if err != nil {
					t.Error(err)
					return
				}
				err = c.Authenticate(t.Context(), sasl.NewPlainClient("", "jo", "secret"))
				if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				if want := map[bool]imapclient.State{true: imapclient.StateAuthenticated, false: imapclient.StateNotAuthenticated}[err == nil]; c.State() != want {
					t.Errorf("state %v, want %v", c.State(), want)
				}
			})
			for _, secret := range []string{"AGpvAHNlY3JldA", "d2hhdD8", "secret"} {
				if strings.Contains(log.String(), secret) {
					t.Errorf("the trace shows %q:\n%s", secret, log.String())
				}
			}
		})
	}
}

func TestLoginSendsWhatCannotBeQuotedAsLiteral(t *testing.T) {
	imaptest.Transcript(t, `
		S: * OK [CAPABILITY IMAP4rev1] hello
		C: {a} LOGIN jo {6}
		S: + go on
		C-raw: "pässw\r\n"
		S: {a} NO [AUTHENTICATIONFAILED] wrong
		C: {b} LOGIN "j o" "a\"b"
		S: {b} OK [CAPABILITY IMAP4rev1] welcome
	`, func(t *testing.T, nc net.Conn) {
		c, err := imapclient.New(t.Context(), nc, plain())
		if err != nil {
			t.Error(err)
			return
		}
		if err := c.Login(t.Context(), "jo", "pässw"); imapclient.Classify(err).Class != imapclient.ClassAuth {
			t.Errorf("error %v", err)
		}
		if err := c.Login(t.Context(), "j o", `a"b`); err != nil {
			t.Error(err)
		}
	})
}

func TestLoginDisabledSendsNothing(t *testing.T) {
	imaptest.Transcript(t, "S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello", func(t *testing.T, nc net.Conn) {
		c, err := imapclient.New(t.Context(), nc, plain())
		if err != nil {
			t.Error(err)
			return
		}
		if err := c.Login(t.Context(), "jo", "secret"); !errors.Is(err, imapclient.ErrLoginDisabled) || !imapclient.SafeToRetry(err) {
			t.Errorf("error %v", err)
		}
	})
}

func TestWaitRestartsIdleBeforeTheServerForgets(t *testing.T) {
	var h heard
	o := plain()
	o.Handler = h.handle
	session(t, `
		C: {i} IDLE
		S: + idling
		wait 9m
		C: DONE
		S: {i} OK done
		C: {j} IDLE
		S: * 4 EXISTS
		S: + idling
		S: * OK Still here
		wait 8m59s
		S: * 5 EXISTS
		wait 1s
		C: DONE
		S: {j} OK done
		C: {k} IDLE
		S: + idling
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		start := time.Now()
		for _, want := range []string{"imap.Exists 4", "OK Still here", "imap.Exists 5"} {
			if err := c.Wait(ctx); err != nil {
				t.Error(err)
			}
			h.expect(t, want)
		}
		if err := c.Wait(ctx); err != nil || time.Since(start) != 18*time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestCancelledWaitLeavesIdleOn(t *testing.T) {
	session(t, `
		C: {i} IDLE
		S: + idling
		wait 1m
		C: DONE
		S: * 4 EXISTS
		S: {i} OK done
		C: {n} NOOP
		S: {n} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		why := errors.New("something else to do")
		wctx, cancel := context.WithDeadlineCause(ctx, time.Now().Add(time.Minute), why)
		defer cancel()
		start := time.Now()
		if err := c.Wait(wctx); !errors.Is(err, why) || time.Since(start) != time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestServerThatDoesNotAnswerDoneIsDead(t *testing.T) {
	session(t, `
		C: {i} IDLE
		S: + idling
		wait 9m
		C: DONE
		S: * 4 EXISTS
		wait 29500ms
		S: * 5 EXISTS
		C-close
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		start := time.Now()
		var late *imapclient.TimeoutError
		if err := c.Wait(ctx); !errors.As(err, &late) || !errors.Is(err, net.ErrClosed) || time.Since(start) != 9*time.Minute+30*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if err := c.Err(); !errors.As(err, &late) {
			t.Errorf("Err is %v", err)
		}
	})
}

func TestServerThatDoesNotContinueIdleIsDead(t *testing.T) {
	session(t, `
		C: {i} IDLE
		S: * 4 EXISTS
		wait 29s
		S: * 5 EXISTS
		wait 1s
		C-close
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		start := time.Now()
		if err := c.Wait(ctx); !errors.Is(err, net.ErrClosed) || time.Since(start) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestIdleThatIsRefusedIsPolled(t *testing.T) {
	for _, answer := range []string{"S: {i} BAD unknown command", "S: {i} NO not now", "S: {i} OK whatever"} {
		t.Run(answer, func(t *testing.T) {
			session(t, `
				C: {i} IDLE
				`+answer+`
				wait 1m
				C: {n} NOOP
				S: * 4 EXISTS
				S: {n} OK done
				wait 1m
				C: {m} NOOP
				S: {m} OK done
			`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				for range 2 {
					if err := c.Wait(ctx); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func TestCommandFromAnotherGoroutineInterruptsWait(t *testing.T) {
	session(t, `
		C: {i} IDLE
		S: + idling
		wait 1m
		C: DONE
		S: {i} OK done
		C: {n} NOOP
		S: {n} OK done
		C: {j} IDLE
		S: + idling
		S: * 4 EXISTS
		wait 5m
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		waited := make(chan error, 1)
		go func() { waited <- c.Wait(ctx) }()
		time.Sleep(time.Minute)
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
		if err := <-waited; err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Minute)
	})
}

func TestIdleEndsWithItsContext(t *testing.T) {
	session(t, `
		C: {i} IDLE
		S: + idling
		S: * 4 EXISTS
		wait 10s
		C: DONE
		S: {i} OK done
		C: {n} NOOP
		S: {n} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		ictx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := c.Idle(ictx); err != nil {
			t.Error(err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestOneBadResponseCostsOneResponse(t *testing.T) {
	var h heard
	o := plain()
	o.Handler = h.handle
	o.Wire.Limits.Line = 1000
	session(t, `
		C: {n} NOOP
		S: * XNEWTHING with (data
		S: * 1 FETCH UID 1 FLAGS
		S: * SEARCH one
		S: nonsense
		S: P999 OK done
		S-raw: "* 1 FETCH (ENVELOPE {3}\r\nabc FLAGS (\\Seen))\r\n"
		S-raw: "* OK `+strings.Repeat("long ", 300)+`\r\n"
		S: * 4 EXISTS
		S: {n} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
		want := []string{
			"unknown XNEWTHING", "malformed * 1 FETCH UID 1 FLAGS", "malformed * SEARCH one", "malformed nonsense",
			"malformed P999 OK", "message 1 [\\Seen]", "malformed ", "imap.Exists 4",
		}
		h.expect(t, want...)
	})
}

func TestFetchYieldsWhatWasAskedForAndNothingElse(t *testing.T) {
	var h heard
	o := plain()
	o.Handler = h.handle
	session(t, `
		C: {f} UID FETCH 1:* (UID FLAGS RFC822.SIZE)
		S: * 3 FETCH (FLAGS (\Seen) UID 9)
		S: * 1 FETCH (UID 4 FLAGS () RFC822.SIZE 10)
		S: * 2 EXPUNGE
		S: * 2 FETCH (UID 9)
		S: * 2 FETCH (RFC822.SIZE 20 FLAGS (\Answered))
		S: * 5 EXISTS
		S: {f} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		var got []string
		for m, err := range c.Fetch(ctx, imap.SetOfRange[imap.UID](1, 0), &imap.FetchOptions{Items: imap.ItemFlags | imap.ItemSize}) {
			if err != nil {
				t.Error(err)
				break
			}
			got = append(got, fmt.Sprintf("%d %v %d", m.UID, m.Flags, m.Size))
		}
		if strings.Join(got, "; ") != `4 [] 10` && strings.Join(got, "; ") != `4 [] 10; 9 [\Answered] 20` {
			t.Errorf("rows: %q", got)
		}
		if len(h) < 3 || h[0] != `message 3 [\Seen]` {
			t.Errorf("handler got %q", h)
		}
	})
}

func TestLateAnswerIsReadBeforeTheNextCommand(t *testing.T) {
	session(t, `
		C: {f} UID FETCH 1:* (UID FLAGS)
		S: * 1 FETCH (UID 4 FLAGS ())
		wait 1s
		S: * 2 FETCH (UID 5 FLAGS ())
		S: {f} OK done
		C: {n} NOOP
		S: {n} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		fctx, cancel := context.WithTimeout(ctx, time.Second/2)
		defer cancel()
		n := 0
		var last error
		for _, err := range c.Fetch(fctx, imap.SetOfRange[imap.UID](1, 0), &imap.FetchOptions{Items: imap.ItemFlags}) {
			if last = err; err == nil {
				n++
			}
		}
		if n != 1 || !errors.Is(last, context.DeadlineExceeded) {
			t.Errorf("%d rows, error %v", n, last)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestSettleReadsWhatIsLate(t *testing.T) {
	o := plain()
	var told []string
	o.Observer = func(r imap.Response) { told = append(told, fmt.Sprint(r)) }
	session(t, `
		C: {n} NOOP
		wait 1s
		S: * 1 EXPUNGE
		S: {n} OK done
		C: {i} IDLE
		S: + idling
		S: * 4 EXISTS
		C: DONE
		S: * 5 EXISTS
		S: {i} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		nctx, cancel := context.WithTimeout(ctx, time.Second/2)
		defer cancel()
		if err := c.Noop(nctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		settles := func(want int) {
			t.Helper()
			before := len(told)
			if err := c.Settle(ctx); err != nil {
				t.Error(err)
			}
			if got := told[before:]; len(got) != want {
				t.Errorf("told %q, want %d", got, want)
			}
		}
		settles(2)
		if err := c.Wait(ctx); err != nil {
			t.Error(err)
		}
		settles(2)
		settles(0)
		if _, on := c.Idling(); on {
			t.Error("IDLE is on")
		}
	})
}

func TestCancelledLiteralClosesTheConnection(t *testing.T) {
	imaptest.Transcript(t, `
		S: * OK [CAPABILITY IMAP4rev1] hello
		C: {a} LOGIN jo secret
		S: {a} OK [CAPABILITY IMAP4rev1] welcome
		C: {b} APPEND INBOX {5}
		wait 10s
		C-close
	`, func(t *testing.T, nc net.Conn) {
		c, err := imapclient.New(t.Context(), nc, plain())
		if err == nil {
			err = c.Login(t.Context(), "jo", "secret")
		}
		if err != nil {
			t.Error(err)
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := c.Append(ctx, "INBOX", strings.NewReader("hello"), 5, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if err := c.Err(); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, net.ErrClosed) {
			t.Errorf("Err is %v", err)
		}
	})
}

func TestByeTellsWhyTheConnectionEnded(t *testing.T) {
	session(t, `
		C: {n} NOOP
		S: * BYE [UNAVAILABLE] shutting down
		close
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		err := c.Noop(ctx)
		var bye *imap.StatusError
		if !errors.As(err, &bye) || bye.Text != "shutting down" || bye.Code.Name != imap.CodeUnavailable || !errors.Is(err, net.ErrClosed) {
			t.Errorf("error %v", err)
		}
		if imapclient.SafeToRetry(err) {
			t.Error("a command that was sent is said to be safe to retry")
		}
		if err := c.Noop(ctx); !imapclient.SafeToRetry(err) {
			t.Errorf("a command on a closed connection is not safe to retry: %v", err)
		}
	})
}

func TestLogout(t *testing.T) {
	for _, script := range []string{
		"C: {l} LOGOUT\nS: * BYE bye\nS: {l} OK done\nC-close",
		"C: {l} LOGOUT\nS: * BYE bye\nclose",
		"C: {l} LOGOUT\nclose",
		"C: {i} IDLE\nS: + idling\nS: * 4 EXISTS\nC: DONE\nS: {i} OK done\nC: {l} LOGOUT\nS: * BYE bye\nS: {l} OK done\nC-close",
	} {
		session(t, script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
			if strings.Contains(script, "IDLE") {
				if err := c.Wait(ctx); err != nil {
					t.Error(err)
				}
			}
			if err := c.Logout(ctx); err != nil {
				t.Error(err)
			}
			if err := c.Noop(ctx); !errors.Is(err, imapclient.ErrLoggedOut) && !errors.Is(err, net.ErrClosed) {
				t.Errorf("after logout: %v", err)
			}
		})
	}
}

func TestContextThatEndsBeforeIdleIsContinued(t *testing.T) {
	session(t, `
		C: {i} IDLE
		wait 10s
		S: + idling
		C: DONE
		S: {i} OK done
		C: {n} NOOP
		S: {n} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		wctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		start := time.Now()
		if err := c.Wait(wctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		time.Sleep(5 * time.Second)
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestFetchByUIDGoesOutTogetherWithDone(t *testing.T) {
	session(t, `
		C: {i} IDLE
		S: + idling
		S: * 4 EXISTS
		C: DONE
		C: {f} UID FETCH 10:* (UID FLAGS)
		S: * 5 EXISTS
		S: {i} OK done
		S: * 4 FETCH (UID 10 FLAGS ())
		S: {f} OK done
		C: {j} IDLE
		S: + idling
		S: * 6 EXISTS
		C: DONE
		S: {j} OK done
		C: {n} NOOP
		S: {n} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if err := c.Wait(ctx); err != nil {
			t.Error(err)
		}
		n := 0
		for m, err := range c.Fetch(ctx, imap.SetOfRange[imap.UID](10, 0), &imap.FetchOptions{Items: imap.ItemFlags}) {
			if err != nil || m.UID != 10 {
				t.Errorf("row %v, error %v", m, err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%d rows", n)
		}
		if err := c.Wait(ctx); err != nil {
			t.Error(err)
		}
		// A command that has to know what the server still says of IDLE waits for the end of it.
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestServerThatDoesNotAnswerDoneBeforeAFetchIsDead(t *testing.T) {
	session(t, `
		C: {i} IDLE
		S: + idling
		S: * 4 EXISTS
		C: DONE
		C: {f} UID FETCH 10:* (UID FLAGS)
		wait 20s
		S: * 5 EXISTS
		wait 9500ms
		C-close
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if err := c.Wait(ctx); err != nil {
			t.Error(err)
		}
		start := time.Now()
		for _, err := range c.Fetch(ctx, imap.SetOfRange[imap.UID](10, 0), &imap.FetchOptions{Items: imap.ItemFlags}) {
			var late *imapclient.TimeoutError
			if !errors.As(err, &late) || late.Op != "end of IDLE" || time.Since(start) != 30*time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		}
	})
}

// A server that ended IDLE when our DONE was on its way takes it for a command. That answer ends nothing.
func TestDoneThatCrossesTheEndOfIdle(t *testing.T) {
	session(t, `
		C: {i} IDLE
		S: + idling
		S: * 4 EXISTS
		C: DONE
		C: {f} UID FETCH 10:* (UID FLAGS)
		S: {i} OK I had enough
		S: DONE BAD unknown command
		S: * 4 FETCH (UID 10 FLAGS ())
		S: {f} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if err := c.Wait(ctx); err != nil {
			t.Error(err)
		}
		n := 0
		for _, err := range c.Fetch(ctx, imap.SetOfRange[imap.UID](10, 0), &imap.FetchOptions{Items: imap.ItemFlags}) {
			if err != nil {
				t.Error(err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}
