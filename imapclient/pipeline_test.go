package imapclient_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

type callFunc = func(context.Context, *imapclient.Conn) error

// statusOf asks for the number of messages in a mailbox.
func statusOf(name string, got *uint32) callFunc {
	return func(ctx context.Context, c *imapclient.Conn) error {
		st, err := c.Status(ctx, name, imap.StatusMessages)
		if err == nil {
			*got = st.Messages
		}
		return err
	}
}

// subjectsOf fetches the flags of messages and appends "uid flags" to got.
func flagsOf(set imap.NumSet, got *[]string) callFunc {
	return func(ctx context.Context, c *imapclient.Conn) error {
		for m, err := range c.Fetch(ctx, set, &imap.FetchOptions{Items: imap.ItemFlags | imap.ItemSize}) {
			if err != nil {
				return err
			}
			*got = append(*got, fmt.Sprintf("%d %v", m.UID, m.Flags))
		}
		return nil
	}
}

func listOf(pattern string, got *int) callFunc {
	return func(ctx context.Context, c *imapclient.Conn) error {
		all, err := c.List(ctx, &imap.ListOptions{Patterns: []string{pattern}})
		*got = len(all)
		return err
	}
}

func noop(ctx context.Context, c *imapclient.Conn) error { return c.Noop(ctx) }

func TestPipelineDoesNotWaitForAnswers(t *testing.T) {
	h := heard{}
	o := plain()
	o.Handler = h.handle
	session(t, `
		C: {a} STATUS a (MESSAGES)
		C: {b} STATUS b (MESSAGES)
		C: {c} STATUS c (MESSAGES)
		C: {d} NOOP
		S: * STATUS a (MESSAGES 1)
		S: {a} OK done
		S: {b} NO [NONEXISTENT] no b
		S: * 4 EXISTS
		S: * STATUS c (MESSAGES 3)
		S: {c} OK done
		S: {d} OK done
		C: {e} NOOP
		S: {e} OK done
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		var got [3]uint32
		err := c.Pipeline(ctx, statusOf("a", &got[0]), statusOf("b", &got[1]), statusOf("c", &got[2]), noop)
		if err == nil || !strings.Contains(err.Error(), "no b") || got != [3]uint32{1, 0, 3} {
			t.Errorf("got %v and %v, want 1, 0, 3 and an error about b", got, err)
		}
		h.expect(t, "imap.Exists 4")
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

// RFC 9051 section 5.5 lets a server work on several commands at once.
func TestPipelineTellsRowsApart(t *testing.T) {
	session(t, `
		C: {a} UID FETCH 5 (UID FLAGS RFC822.SIZE)
		C: {b} UID FETCH 7,9 (UID FLAGS RFC822.SIZE)
		S: * 2 FETCH (UID 7 FLAGS (\Seen) RFC822.SIZE 1)
		S: * 3 FETCH (UID 9 FLAGS () RFC822.SIZE 1)
		S: {b} OK done
		S: * 1 FETCH (UID 5 FLAGS (\Answered) RFC822.SIZE 1)
		S: {a} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		var first, second []string
		if err := c.Pipeline(ctx, flagsOf(imap.UIDs(5), &first), flagsOf(imap.UIDs(7, 9), &second)); err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(first, second); got != `[5 [\Answered]] [7 [\Seen] 9 []]` {
			t.Errorf("got %s", got)
		}
	})
}

func TestPipelineOrdersWhatIsAmbiguous(t *testing.T) {
	var n int
	var flags []string
	for _, tt := range []struct {
		name, script string
		calls        []callFunc
		err          string
	}{
		{"LIST one at a time, others meanwhile", `
			C: {a} LIST "" "x*"
			C: {c} NOOP
			S: * LIST () "/" x
			S: {a} OK done
			C: {b} LIST "" "y*"
			S: {c} OK done
			S: {b} OK done
		`, []callFunc{listOf("x*", &n), noop, listOf("y*", &n)}, ""},
		{"sequence numbers first", `
			C: {a} FETCH 1 (UID FLAGS RFC822.SIZE)
			C: {b} FETCH 2 (UID FLAGS RFC822.SIZE)
			C: {c} NOOP
			S: * 1 FETCH (UID 5 FLAGS () RFC822.SIZE 1)
			S: {a} OK done
			S: {b} OK done
			S: {c} OK done
		`, []callFunc{flagsOf(imap.SeqSet{{First: 1, Last: 1}}, &flags), flagsOf(imap.SeqSet{{First: 2, Last: 2}}, &flags), noop}, ""},
		{"sequence numbers after something else", `
			C: {a} NOOP
			C: {c} NOOP
			S: {a} OK done
			S: {c} OK done
		`, []callFunc{noop, flagsOf(imap.SeqSet{{First: 1, Last: 1}}, &flags), noop}, "use UIDs"},
		{"an open range and another FETCH", `
			C: {a} UID FETCH 5:* (UID FLAGS RFC822.SIZE)
			S: * 1 FETCH (UID 3 FLAGS () RFC822.SIZE 1)
			S: {a} OK done
			C: {b} UID FETCH 7:* (UID FLAGS RFC822.SIZE)
			S: {b} OK done
		`, []callFunc{flagsOf(imap.SetOfRange[imap.UID](5, 0), &flags), flagsOf(imap.SetOfRange[imap.UID](7, 0), &flags)}, ""},
		{"commands of one call wait for each other", `
			C: {a} NOOP
			C: {b} NOOP
			S: {b} OK done
			S: {a} OK done
			C: {c} STATUS a (MESSAGES)
			S: * STATUS a (MESSAGES 1)
			S: {c} OK done
		`, []callFunc{func(ctx context.Context, c *imapclient.Conn) error {
			if err := c.Noop(ctx); err != nil {
				return err
			}
			return statusOf("a", new(uint32))(ctx, c)
		}, noop}, ""},
		{"SELECT", "", []callFunc{func(ctx context.Context, c *imapclient.Conn) error {
			_, err := c.Select(ctx, "x", nil)
			return err
		}}, "SELECT in a pipeline"},
		{"LOGOUT", "", []callFunc{func(ctx context.Context, c *imapclient.Conn) error { return c.Logout(ctx) }}, "LOGOUT in a pipeline"},
		{"Wait", "", []callFunc{func(ctx context.Context, c *imapclient.Conn) error { return c.Wait(ctx) }}, "IDLE in a pipeline"},
		{"a pipeline", "", []callFunc{func(ctx context.Context, c *imapclient.Conn) error { return c.Pipeline(ctx, noop) }}, "Pipeline in a pipeline"},
		{"none", "", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			script := tt.script + `
				C: {z} UID FETCH 1 (UID FLAGS RFC822.SIZE)
				S: {z} OK done
			`
			session(t, script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				err := c.Pipeline(ctx, tt.calls...)
				if (tt.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				if c.State() != imapclient.StateSelected {
					t.Errorf("state %v", c.State())
				}
				if err := flagsOf(imap.UIDs(1), &flags)(ctx, c); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// preauth plays a script against a client that is logged in from the start.
func preauth(t *testing.T, caps, script string, o *imapclient.Options, client func(t *testing.T, ctx context.Context, c *imapclient.Conn)) {
	t.Helper()
	if o == nil {
		o = plain()
	}
	o.AllowPreauth = true
	imaptest.Transcript(t, "S: * PREAUTH [CAPABILITY IMAP4rev1 "+caps+"] hello\n"+script, func(t *testing.T, nc net.Conn) {
		c, err := imapclient.New(t.Context(), nc, o)
		if err != nil {
			t.Error(err)
			return
		}
		client(t, t.Context(), c)
		c.Close()
	})
}

// RFC 9051 section 5.5: what a go-ahead is for must be clear.
func TestPipelineSendsSynchronisingLiteralsAlone(t *testing.T) {
	long := strings.Repeat("x", 1001)
	for _, tt := range []struct{ name, caps, script string }{
		{"", "", `
			C: {a} NOOP
			wait 10s
			S: {a} OK done
			C: {b} STATUS {1001}
			wait 10s
			S: + go on
			C: ` + long + ` (MESSAGES)
			wait 10s
			S: {b} NO no such thing
			C: {c} NOOP
			S: {c} OK done
		`},
		{"LITERAL+", "LITERAL+", `
			C: {a} NOOP
			C: {b} STATUS {1001+}
			C: ` + long + ` (MESSAGES)
			C: {c} NOOP
			S: {a} OK done
			S: {b} NO no such thing
			S: {c} OK done
		`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := plain()
			preauth(t, tt.caps, tt.script, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				err := c.Pipeline(ctx, noop, statusOf(long, new(uint32)), noop)
				if err == nil || !strings.Contains(err.Error(), "no such thing") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// A body that is streamed has the connection to itself, and its bytes go to nobody else.
func TestPipelineStreamsAlone(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 8<<10)
	session(t, fmt.Sprintf(`
		C: {a} NOOP
		wait 1s
		S: {a} OK done
		C: {b} UID FETCH 5 (UID BODY.PEEK[])
		wait 1s
		S-raw: "* 1 FETCH (UID 5 BODY[] {%d}\r\n%s)\r\n"
		S: {b} OK done
		C: {c} UID FETCH 7 (UID FLAGS RFC822.SIZE)
		S: * 2 FETCH (UID 7 FLAGS () RFC822.SIZE 1)
		S: {c} OK done
	`, len(body), body), nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		var w strings.Builder
		var flags []string
		err := c.Pipeline(ctx, noop, func(ctx context.Context, c *imapclient.Conn) error {
			_, err := c.FetchSection(ctx, 5, imap.SectionRequest{}, &w)
			return err
		}, flagsOf(imap.UIDs(7), &flags))
		if err != nil || w.String() != body || len(flags) != 1 {
			t.Errorf("%d bytes, %v, %v", w.Len(), flags, err)
		}
	})
}

// stubborn is a server that reads no command before its answer to the one before is read. It gives each
// command many lines of answer, and counts those that wait to be read at most.
func stubborn(nc net.Conn, answer string) {
	r := bufio.NewReader(nc)
	fmt.Fprint(nc, "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, _, _ := strings.Cut(line, " ")
		if _, err := fmt.Fprint(nc, answer, tag, " OK done\r\n"); err != nil {
			return
		}
	}
}

func TestPipelineReadsWhileItWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs, ours := net.Pipe() // which buffers nothing
		go stubborn(ours, strings.Repeat("* OK "+strings.Repeat("x", 100)+"\r\n", 100))
		o := plain()
		o.AllowPreauth = true
		c, err := imapclient.New(t.Context(), theirs, o)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		calls := make([]callFunc, 1000)
		made := 0
		for i := range calls {
			calls[i] = func(ctx context.Context, c *imapclient.Conn) error {
				made++
				return c.Noop(ctx)
			}
		}
		start := time.Now()
		if err := c.Pipeline(t.Context(), calls...); err != nil || made != 1000 || time.Since(start) > 0 {
			t.Errorf("%d calls in %v: %v", made, time.Since(start), err)
		}
	})
}

func TestPipelineHoldsOnlySoManyCommands(t *testing.T) {
	script := ""
	for i := range 64 {
		script += fmt.Sprintf("C: {t%d} NOOP\n", i)
	}
	script += "wait 1m\nS: {t0} OK done\nC: {t64} NOOP\nwait 1m\n"
	for i := 1; i < 65; i++ {
		script += fmt.Sprintf("S: {t%d} OK done\n", i)
	}
	script = strings.NewReplacer("0", "a", "1", "b", "2", "c", "3", "d", "4", "e", "5", "f", "6", "g", "7", "h", "8", "i", "9", "j", "1m", "1m").Replace(script)
	script = strings.ReplaceAll(script, "wait bm", "wait 1m")
	session(t, script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		calls := make([]callFunc, 65)
		for i := range calls {
			calls[i] = noop
		}
		if err := c.Pipeline(ctx, calls...); err != nil {
			t.Error(err)
		}
	})
}

func TestPipelineThatIsCancelledLeavesTheConnectionUsable(t *testing.T) {
	session(t, `
		C: {a} NOOP
		C: {b} STATUS a (MESSAGES)
		S: {a} OK done
		wait 1m
		S: * STATUS a (MESSAGES 1)
		S: {b} OK done
		C: {c} NOOP
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		why := errors.New("enough")
		pctx, cancel := context.WithDeadlineCause(ctx, time.Now().Add(59*time.Second), why)
		defer cancel()
		var errs [3]error
		err := c.Pipeline(pctx, func(ctx context.Context, c *imapclient.Conn) error {
			if errs[0] = c.Noop(ctx); errs[0] == nil {
				<-ctx.Done() // a call that blocks holds all others up
				errs[2] = c.Noop(ctx)
			}
			return errs[0]
		}, func(ctx context.Context, c *imapclient.Conn) error {
			errs[1] = statusOf("a", new(uint32))(ctx, c)
			return errs[1]
		})
		if !errors.Is(err, why) || errs[0] != nil || !errors.Is(errs[1], why) || !errors.Is(errs[2], why) {
			t.Errorf("errors %v and %v", err, errs)
		}
		if imapclient.SafeToRetry(errs[1]) || !imapclient.SafeToRetry(errs[2]) {
			t.Error("what was sent is safe to retry, or what was not is not")
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestPipelineOnALostConnectionMakesEveryCall(t *testing.T) {
	session(t, `
		C: {a} NOOP
		S: {a} OK done
		S: * BYE shutting down
		close
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		errs := make([]error, 100)
		calls := make([]callFunc, 100)
		for i := range calls {
			calls[i] = func(ctx context.Context, c *imapclient.Conn) error {
				errs[i] = c.Noop(ctx)
				return errs[i]
			}
		}
		err := c.Pipeline(ctx, calls...)
		if !errors.Is(err, net.ErrClosed) || !strings.Contains(err.Error(), "shutting down") {
			t.Errorf("error %v", err)
		}
		for i, err := range errs[1:] {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("call %d: %v", i+1, err)
			}
		}
		if errs[0] != nil || !imapclient.SafeToRetry(errs[99]) {
			t.Errorf("first %v, last %v", errs[0], errs[99])
		}
	})
}

func TestPipelineEndsWhenTheServerStopsReading(t *testing.T) {
	session(t, `
		stall 10m
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		var late *imapclient.TimeoutError
		if err := c.Pipeline(ctx, noop, noop); !errors.As(err, &late) || c.Err() == nil {
			t.Errorf("error %v", err)
		}
	})
}

func TestPipelineSurvivesACallThatPanics(t *testing.T) {
	session(t, `
		C: {a} NOOP
		C?: {b} NOOP
		S: {a} OK done
		S: {b} OK done
		C: {c} NOOP
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		func() {
			defer func() {
				if recover() != "oops" {
					t.Error("no panic")
				}
			}()
			_ = c.Pipeline(ctx, func(ctx context.Context, c *imapclient.Conn) error {
				_ = c.Noop(ctx)
				panic("oops")
			}, noop)
		}()
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestPipelineTellsWhoUsesTheWrongConn(t *testing.T) {
	session(t, `
		wait 2m 5m
		C: {c} NOOP
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		var inner *imapclient.Conn
		err := c.Pipeline(ctx, func(ctx context.Context, own *imapclient.Conn) error {
			inner = own
			return c.Noop(ctx)
		})
		if !errors.Is(err, imapclient.ErrInPipeline) {
			t.Errorf("error %v", err)
		}
		if err := inner.Noop(ctx); err == nil || !imapclient.SafeToRetry(err) {
			t.Errorf("a Conn of a pipeline that is over: %v", err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestOthersWaitForAPipeline(t *testing.T) {
	session(t, `
		C: {a} STATUS a (MESSAGES)
		wait 10m
		S: * STATUS a (MESSAGES 1)
		S: {a} OK done
		C: {c} NOOP
		S: {c} OK done
	`, &imapclient.Options{Addr: "mail.example.org", Security: imapclient.InsecurePlaintext, CommandTimeout: 20 * time.Minute}, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		done := make(chan error)
		err := c.Pipeline(ctx, func(ctx context.Context, own *imapclient.Conn) error {
			go func() { done <- c.Noop(ctx) }()
			return statusOf("a", new(uint32))(ctx, own)
		})
		if err := errors.Join(err, <-done); err != nil {
			t.Error(err)
		}
	})
}

// distant is a server that answers each command at once, over a line on which that takes rtt.
func distant(nc net.Conn, rtt time.Duration) {
	type answer struct {
		at   time.Time
		text string
	}
	answers := make(chan answer, 1000)
	defer close(answers)
	go func() {
		for a := range answers {
			time.Sleep(time.Until(a.at))
			_, _ = fmt.Fprint(nc, a.text)
		}
	}()
	answers <- answer{time.Now(), "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n"}
	r := bufio.NewReader(nc)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		text := words[0] + " OK done\r\n"
		if words[1] == "STATUS" {
			text = "* STATUS " + words[2] + " (MESSAGES 7)\r\n" + text
		}
		answers <- answer{time.Now().Add(rtt), text}
	}
}

func TestPipelineTakesFewRoundTrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rtt = 20 * time.Millisecond
		theirs, ours := net.Pipe()
		go distant(ours, rtt)
		o := plain()
		o.AllowPreauth = true
		c, err := imapclient.New(t.Context(), theirs, o)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		var got [500]uint32
		calls := make([]callFunc, len(got))
		for i := range calls {
			calls[i] = statusOf(fmt.Sprint("box", i), &got[i])
		}
		start := time.Now()
		if err := c.Pipeline(t.Context(), calls...); err != nil || got[0] != 7 || got[499] != 7 {
			t.Error(err, got)
		}
		piped := time.Since(start)
		start = time.Now()
		for _, call := range calls {
			if err := call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if single := time.Since(start); single < 50*piped {
			t.Errorf("500 figures took %v in a pipeline, and %v one by one", piped, single)
		}
		t.Logf("500 figures over %v: %v", rtt, piped)
	})
}
