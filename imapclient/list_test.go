package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// withMailboxes plays a script against a client that has logged in to a server with these capabilities.
func withMailboxes(t *testing.T, caps, script string, client func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news)) {
	t.Helper()
	start := `
		S: * OK [CAPABILITY IMAP4rev1 LITERAL+] hello
		C: {l} LOGIN jo secret
		S: {l} OK [CAPABILITY LITERAL+ ` + caps + `] welcome
	`
	imaptest.Transcript(t, start+script, func(t *testing.T, nc net.Conn) {
		h, o := &news{}, plain()
		o.Handler = h.handle
		c, err := imapclient.New(t.Context(), nc, o)
		if err == nil {
			err = c.Login(t.Context(), "jo", "secret")
		}
		if err != nil {
			t.Error(err)
			return
		}
		client(t, t.Context(), c, h)
		c.Close()
	})
}

// news are what goes to the Handler, a few words each.
type news struct {
	got  []string
	then func(what string) // called for each, if not nil
}

func (n *news) handle(r imap.Response) {
	what := fmt.Sprintf("%T", r)
	switch r := r.(type) {
	case *imap.List:
		what = []string{"list", "lsub", "xlist"}[r.Kind] + " " + r.Mailbox
		for _, a := range r.Attrs {
			what += " " + string(a)
		}
	case *imap.MailboxStatus:
		what = "status " + r.Mailbox
	case *imap.Metadata:
		what = "metadata " + r.Mailbox
	case *imap.ACL:
		what = "acl " + r.Mailbox
	case *imap.MyRights:
		what = "myrights " + r.Mailbox
	case *imap.Quota:
		what = "quota " + r.Root
	case *imap.QuotaRoot:
		what = "quotaroot " + r.Mailbox
	case imap.Exists:
		what = fmt.Sprint("exists ", uint32(r))
	case *imap.Message:
		what = fmt.Sprint("message ", r.SeqNum)
	case *imap.Status:
		what = r.Kind.String() + " " + r.Text
	}
	n.got = append(n.got, what)
	if n.then != nil {
		n.then(what)
	}
}

func (n *news) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(n.got, want) {
		t.Errorf("handler got %q, want %q", n.got, want)
	}
	n.got = nil
}

// listed writes rows in one line.
func listed(rows []*imapclient.Listed) string {
	var all []string
	for _, r := range rows {
		s := r.Mailbox
		for _, a := range r.Attrs {
			s += " " + string(a)
		}
		if r.ChildInfo != nil {
			s += fmt.Sprintf(" childinfo%v", r.ChildInfo)
		}
		if r.Status != nil {
			s += fmt.Sprintf(" messages=%d", r.Status.Messages)
			if r.Status.Items.Has(imap.StatusAppendLimit) {
				s += fmt.Sprintf(" limit=%d", r.Status.AppendLimit)
			}
		}
		if r.MyRights != "" {
			s += " rights=" + r.MyRights
		}
		for _, m := range r.Metadata {
			s += " " + m.Name + "=" + m.Value
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}

// unsupported returns the capability that err says is missing, or "".
func unsupported(err error) imap.Capability {
	var u *imapclient.UnsupportedError
	if errors.As(err, &u) {
		return u.Capability
	}
	return ""
}

const (
	extended = "IMAP4rev1 CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE LIST-MYRIGHTS LIST-METADATA ACL RIGHTS=texk METADATA"
	basic    = "IMAP4rev1"
)

func TestList(t *testing.T) {
	for _, tt := range []struct {
		name, caps string
		o          *imap.ListOptions
		script     string
		want       string
		heard      []string
	}{
		{"everything", basic, nil, `
			C: {a} LIST "" *
			S: * LIST (\HasNoChildren) "/" inbox
			S: * LIST (\Noselect \HasChildren) "/" "Entw&APw-rfe"
			S: * LIST () "/" "Entw&APw-rfe/alt"
			S: {a} OK done`, `INBOX \HasNoChildren; Entwürfe \Noselect \HasChildren; Entwürfe/alt`, nil},
		{"a pattern in another alphabet", basic, &imap.ListOptions{Patterns: []string{"Entwürfe/%"}}, `
			C: {a} LIST "" "Entw&APw-rfe/%"
			S: * LIST () "/" "Entw&APw-rfe/alt"
			S: {a} OK done`, `Entwürfe/alt`, nil},
		{"a reference", basic, &imap.ListOptions{Reference: "~/Mail/", Patterns: []string{"%"}}, `
			C: {a} LIST "~/Mail/" %
			S: * LIST () "/" "/home/jo/Mail/foo"
			S: {a} OK done`, `/home/jo/Mail/foo`, nil},
		{"names that cannot be decoded go back as they came", basic, &imap.ListOptions{Patterns: []string{"R%"}}, `
			C: {a} LIST "" "R%"
			S: * LIST () "/" "R&D"
			S: {a} OK done`, "\ufdd0R&D", nil},
		{"a name in the wrong encoding and case", basic, &imap.ListOptions{Patterns: []string{"ENTWÜRFE"}}, `
			C: {a} LIST "" "ENTW&ANw-RFE"
			S: * LIST () "/" "Entwürfe"
			S: {a} OK done`, "\ufdd0Entwürfe", nil},

		{"the same mailbox twice", basic, nil, `
			C: {a} LIST "" *
			S: * LIST (\Noselect \HasNoChildren) "/" a
			S: * LIST (\Drafts \Drafts) "/" b
			S: * LIST (\Marked \HasChildren) "/" a
			S: {a} OK done`, `a \Marked \HasChildren; b \Drafts`, nil},
		{"a mailbox is deleted meanwhile", basic, nil, `
			C: {a} LIST "" *
			S: * LIST (\HasNoChildren) "/" a
			S: * LIST (\NonExistent) "/" a
			S: * LIST (\NonExistent) "/" parent
			S: {a} OK done`, `a \HasNoChildren; parent \NonExistent`, []string{`list a \NonExistent`}},
		{"news of other mailboxes", basic, &imap.ListOptions{Patterns: []string{"a%"}}, `
			C: {a} LIST "" "a%"
			S: * LIST () "/" b
			S: * LIST () "/" abc
			S: * LIST () "/" ad ("OLDNAME" (x))
			S: * LIST (\NoAccess) "/" ae
			S: * LSUB () "/" af
			S: * STATUS abc (MESSAGES 3)
			S: * LIST () "/" a/b
			S: {a} OK done`, `abc`, []string{"list b", "list ad", `list ae \NoAccess`, "lsub af", "status abc", "list a/b"}},
		{"nothing", basic, &imap.ListOptions{Patterns: []string{"x"}}, `
			C: {a} LIST "" x
			S: {a} OK done`, ``, nil},

		{"extended", extended, &imap.ListOptions{
			Patterns: []string{"a", "b/%"}, Subscribed: true, RecursiveMatch: true, Remote: true,
			ReturnChildren: true, ReturnSubscribed: true, ReturnSpecialUse: true,
		}, `
			C: {a} LIST (SUBSCRIBED REMOTE RECURSIVEMATCH) "" (a "b/%") RETURN (SUBSCRIBED CHILDREN SPECIAL-USE)
			S: * LIST (\Subscribed \HasNoChildren \Sent) "/" a
			S: * LIST (\NonExistent \HasChildren) "/" b/c ("CHILDINFO" ("SUBSCRIBED"))
			S: {a} OK done`, `a \Subscribed \HasNoChildren \Sent; b/c \NonExistent \HasChildren childinfo[SUBSCRIBED]`, nil},
		{
			"extended with everything about each mailbox", extended, &imap.ListOptions{
				ReturnStatus: imap.StatusMessages, ReturnMyRights: true, ReturnMetadata: []string{"/private/comment"},
			}, `
			C: {a} LIST "" * RETURN (MYRIGHTS STATUS (MESSAGES) METADATA (/private/comment))
			S: * LIST () "/" inbox
			S: * STATUS INBOX (MESSAGES 3)
			S: * MYRIGHTS Inbox lrswipkxtecda
			S: * METADATA "INBOX" (/private/comment "mine")
			S: * STATUS b (MESSAGES 4)
			S: * LIST () "/" b
			S: * STATUS b (UIDNEXT 9)
			S: * METADATA b /private/comment
			S: * STATUS inbox (UIDNEXT 9)
			S: * STATUS d (MESSAGES 1)
			S: * LIST () "/" d
			S: * STATUS d (MESSAGES 2)
			S: * LIST (\Noselect) "/" c
			S: {a} OK done`, `INBOX messages=3 rights=lrswipkxtea /private/comment=mine; b messages=4; d messages=2; c \Noselect`,
			[]string{"status b", "metadata b", "status INBOX", "status d"},
		},
		{"status rows with the name written otherwise", extended, &imap.ListOptions{ReturnStatus: imap.StatusMessages}, `
			C: {a} LIST "" * RETURN (STATUS (MESSAGES))
			S: * LIST () "/" "Entw&APw-rfe"
			S: * STATUS "entwürfe" (MESSAGES 3)
			S: * LIST () "/" a
			S: * LIST () "/" A
			S: * STATUS a (MESSAGES 1)
			S: * STATUS A (MESSAGES 2)
			S: * LIST () "/" Foo
			S: * LIST () "/" foo
			S: * STATUS FOO (MESSAGES 9)
			S: {a} OK done`, `Entwürfe messages=3; a messages=1; A messages=2; Foo; foo`, []string{"status FOO"}},
		{
			"a server with half of the extensions", "IMAP4rev1 LIST-EXTENDED ACL RIGHTS=texk", &imap.ListOptions{
				Subscribed: true, ReturnStatus: imap.StatusMessages, ReturnMyRights: true,
			}, `
			C: {a} LIST (SUBSCRIBED) "" *
			S: * LIST (\Subscribed) "/" INBOX
			S: * LIST (\Subscribed \NonExistent) "/" gone
			S: * LIST (\Subscribed) "/" secret
			S: {a} OK done
			C: {b} STATUS INBOX (MESSAGES)
			C: {c} MYRIGHTS INBOX
			C: {d} STATUS secret (MESSAGES)
			C: {e} MYRIGHTS secret
			S: * STATUS INBOX (MESSAGES 3)
			S: {b} OK done
			S: * MYRIGHTS INBOX lrd
			S: {c} OK done
			S: {d} NO [NOPERM] not for you
			S: * MYRIGHTS secret l
			S: {e} OK done`,
			`INBOX \Subscribed messages=3 rights=lr; gone \Subscribed \NonExistent; secret \Subscribed rights=l`, nil,
		},
		{"the limit of all mailboxes", "IMAP4rev1 LIST-EXTENDED LIST-STATUS APPENDLIMIT=99", &imap.ListOptions{ReturnStatus: imap.StatusMessages | imap.StatusAppendLimit}, `
			C: {a} LIST "" * RETURN (STATUS (MESSAGES))
			S: * LIST () "/" a
			S: * STATUS a (MESSAGES 3)
			S: {a} OK done`, `a messages=3 limit=99`, nil},

		{"several patterns", basic, &imap.ListOptions{Patterns: []string{"a", "%", "a"}}, `
			C: {a} LIST "" a
			S: * LIST () "/" a
			S: {a} OK done
			C: {b} LIST "" %
			S: * LIST () "/" a
			S: * LIST () "/" b
			S: {b} OK done`, `a; b`, nil},
		{"subscribed without LIST-EXTENDED", basic, &imap.ListOptions{Subscribed: true, Patterns: []string{"%"}}, `
			C: {a} LIST "" %
			S: * LIST (\Marked) "/" INBOX
			S: * LIST () "/" a
			S: * LIST () "/" b
			S: {a} OK done
			C: {b} LSUB "" *
			S: * LSUB () "/" inbox
			S: * LSUB () "/" b/c
			S: * LSUB () "/" gone
			S: {b} OK done`, `INBOX \Marked \Subscribed; gone \NonExistent \Subscribed`, nil},
		{"which are subscribed, without LIST-EXTENDED", basic, &imap.ListOptions{ReturnSubscribed: true}, `
			C: {a} LIST "" *
			S: * LIST () "/" INBOX
			S: * LIST () "/" a
			S: {a} OK done
			C: {b} LSUB "" *
			S: * LSUB () "/" a
			S: * LSUB () "/" gone
			S: {b} OK done`, `INBOX; a \Subscribed`, nil},
		{"LSUB with names above those subscribed (Courier)", basic, &imap.ListOptions{Subscribed: true}, `
			C: {a} LIST "" *
			S: * LIST (\HasChildren) "." INBOX
			S: * LIST (\Noselect \HasChildren) "." INBOX.a
			S: * LIST () "." INBOX.a.b
			S: * LIST (\Noselect) "." old
			S: {a} OK done
			C: {b} LSUB "" *
			S: * LSUB (\Noselect \HasChildren) "." INBOX
			S: * LSUB (\Noselect \HasChildren) "." INBOX.a
			S: * LSUB (\HasNoChildren) "." INBOX.a.b
			S: * LSUB (\Noselect) "." old
			S: {b} OK done`, `INBOX.a.b \Subscribed; old \Noselect \Subscribed`, nil},
		{"RECURSIVEMATCH without LIST-EXTENDED", basic, &imap.ListOptions{Subscribed: true, RecursiveMatch: true, Patterns: []string{"%"}}, `
			C: {a} LIST "" *
			S: * LIST () "/" Foo
			S: * LIST () "/" Foo/Bar
			S: * LIST () "/" Foo/Baz
			S: * LIST () "/" Moo
			S: {a} OK done
			C: {b} LSUB "" *
			S: * LSUB () "/" Foo/Baz
			S: * LSUB () "/" Old/er/one
			S: {b} OK done`, `Foo childinfo[SUBSCRIBED]; Old \NonExistent childinfo[SUBSCRIBED]`, nil},
		{"RECURSIVEMATCH tells by the nearest above, without its figures", basic, &imap.ListOptions{
			Subscribed: true, RecursiveMatch: true, Patterns: []string{"%", "a/%"}, ReturnStatus: imap.StatusMessages,
		}, `
			C: {a} LIST "" *
			S: * LIST () "/" a
			S: * LIST () "/" a/b
			S: * LIST () "/" a/b/c
			S: {a} OK done
			C: {b} LIST "" "a/*"
			S: * LIST () "/" a/b
			S: {b} OK done
			C: {c} LSUB "" *
			S: * LSUB () "/" a/b/c
			S: {c} OK done
			C: {d} LSUB "" "a/*"
			S: {d} OK done`, `a/b childinfo[SUBSCRIBED]`, nil},
		{"RECURSIVEMATCH does not name what is above what it returns", basic, &imap.ListOptions{Subscribed: true, RecursiveMatch: true}, `
			C: {a} LIST "" *
			S: * LIST () "/" Foo
			S: * LIST () "/" Foo/Bar
			S: {a} OK done
			C: {b} LSUB "" *
			S: * LSUB () "/" Foo/Bar
			S: {b} OK done`, `Foo/Bar \Subscribed`, nil},
		{"children without CHILDREN", basic, &imap.ListOptions{ReturnChildren: true, Patterns: []string{"%"}}, `
			C: {a} LIST "" *
			S: * LIST () "/" a
			S: * LIST () "/" a/b
			S: * LIST (\Noinferiors) "/" c
			S: * LIST () "/" d
			S: {a} OK done`, `a \HasChildren; c \Noinferiors; d \HasNoChildren`, nil},
		{"children of one mailbox without CHILDREN", basic, &imap.ListOptions{ReturnChildren: true, Patterns: []string{"a"}}, `
			C: {a} LIST "" "a*"
			S: * LIST () "/" a
			S: * LIST () "/" a/b
			S: * LIST () "/" ab
			S: {a} OK done`, `a \HasChildren`, nil},
		{"children with CHILDREN alone", "IMAP4rev1 CHILDREN", &imap.ListOptions{ReturnChildren: true, Patterns: []string{"%"}}, `
			C: {a} LIST "" %
			S: * LIST (\HasChildren) "/" a
			S: {a} OK done`, `a \HasChildren`, nil},
		{"special uses that nobody announced", basic, &imap.ListOptions{SpecialUse: true}, `
			C: {a} LIST "" *
			S: * LIST () "/" INBOX
			S: * LIST (\Sent) "/" Gesendet
			S: {a} OK done`, `Gesendet \Sent`, nil},
		{"special uses announced without LIST-EXTENDED", "IMAP4rev1 SPECIAL-USE", &imap.ListOptions{SpecialUse: true}, `
			C: {a} LIST "" *
			S: * LIST () "/" INBOX
			S: {a} OK done`, ``, nil},
		{"IMAP4rev2 has the attributes but not the option", "IMAP4rev2", &imap.ListOptions{SpecialUse: true}, `
			C: {a} LIST "" *
			S: * LIST () "/" INBOX
			S: * LIST (\Sent) "/" Gesendet
			S: {a} OK done`, `Gesendet \Sent`, nil},
		{
			"XLIST", "IMAP4rev1 XLIST", &imap.ListOptions{ReturnSpecialUse: true}, `
			C: {a} XLIST "" *
			S: * XLIST (\HasNoChildren \Inbox) "/" "Posteingang"
			S: * XLIST (\Noselect \HasChildren) "/" "[Gmail]"
			S: * XLIST (\AllMail) "/" "[Gmail]/Alle Nachrichten"
			S: * XLIST (\Spam) "/" "[Gmail]/Spam"
			S: * XLIST (\Starred \X-Y) "/" "[Gmail]/Markiert"
			S: {a} OK done`,
			`INBOX \HasNoChildren; [Gmail] \Noselect \HasChildren; [Gmail]/Alle Nachrichten \All; [Gmail]/Spam \Junk; [Gmail]/Markiert \Flagged \X-Y`, nil,
		},

		{"BAD to what was announced (Proton Mail)", extended, &imap.ListOptions{SpecialUse: true}, `
			C: {a} LIST (SPECIAL-USE) "" *
			S: {a} BAD what?
			C: {b} LIST "" *
			S: * LIST () "/" INBOX
			S: * LIST (\Sent) "/" Sent
			S: {b} OK done`, `Sent \Sent`, nil},
		{"OK and nothing to what was announced (strato.de)", extended, &imap.ListOptions{ReturnSubscribed: true, ReturnChildren: true, ReturnStatus: imap.StatusMessages, Patterns: []string{"INBOX"}}, `
			C: {a} LIST "" INBOX RETURN (SUBSCRIBED CHILDREN STATUS (MESSAGES))
			S: {a} OK done
			C: {b} LIST "" INBOX
			S: * LIST (\HasNoChildren) "/" INBOX
			S: {b} OK done
			C: {c} LSUB "" INBOX
			S: * LSUB () "/" INBOX
			S: {c} OK done
			C: {d} STATUS INBOX (MESSAGES)
			S: * STATUS INBOX (MESSAGES 3)
			S: {d} OK done`, `INBOX \HasNoChildren \Subscribed messages=3`, nil},
		{"nothing subscribed is no fault", extended, &imap.ListOptions{Subscribed: true}, `
			C: {a} LIST (SUBSCRIBED) "" *
			S: {a} OK done`, ``, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withMailboxes(t, tt.caps, tt.script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
				rows, err := c.List(ctx, tt.o)
				if err != nil || listed(rows) != tt.want {
					t.Errorf("listed %s (%v)\nwant   %s", listed(rows), err, tt.want)
				}
				h.expect(t, tt.heard...)
			})
		})
	}
}

func TestListErrors(t *testing.T) {
	for _, tt := range []struct {
		name, caps string
		o          *imap.ListOptions
		script     string
		want       string // part of the error
		cap        imap.Capability
		sent       bool
	}{
		{"REMOTE", basic, &imap.ListOptions{Remote: true}, "", "LIST-EXTENDED", imap.CapListExtended, false},
		{"rights", basic, &imap.ListOptions{ReturnMyRights: true}, "", "ACL", imap.CapACL, false},
		{"metadata", "IMAP4rev1 METADATA-SERVER", &imap.ListOptions{ReturnMetadata: []string{"/a"}}, "", "METADATA", imap.CapMetadata, false},
		{"status items", basic, &imap.ListOptions{ReturnStatus: imap.StatusSize}, "", "STATUS=SIZE", imap.CapStatusSize, false},
		{"RECURSIVEMATCH alone", extended, &imap.ListOptions{RecursiveMatch: true}, "", "RECURSIVEMATCH", "", false},
		{"RECURSIVEMATCH alone, without LIST-EXTENDED", basic, &imap.ListOptions{RecursiveMatch: true}, "", "RECURSIVEMATCH", "", false},
		{"NUL", basic, &imap.ListOptions{Patterns: []string{"a\x00"}}, "", "NUL", "", false},
		{"special uses, of which nobody knows", basic, &imap.ListOptions{SpecialUse: true}, `
			C: {a} LIST "" *
			S: * LIST () "/" INBOX
			S: {a} OK done`, "SPECIAL-USE", imap.CapSpecialUse, true},
		{"NO", extended, &imap.ListOptions{ReturnChildren: true}, `
			C: {a} LIST "" * RETURN (CHILDREN)
			S: * LIST () "/" INBOX
			S: {a} NO [SERVERBUG] sorry`, "SERVERBUG", "", true},
		{"BAD to a plain LIST", basic, nil, `
			C: {a} LIST "" *
			S: {a} BAD what?`, "BAD", "", true},
		{"BAD to REMOTE, which nothing can stand for", extended, &imap.ListOptions{Remote: true}, `
			C: {a} LIST (REMOTE) "" *
			S: {a} BAD what?`, "BAD", "", true},
		{"BAD to both", extended, &imap.ListOptions{ReturnChildren: true}, `
			C: {a} LIST "" * RETURN (CHILDREN)
			S: {a} BAD what?
			C: {b} LIST "" *
			S: {b} BAD what now?`, "what now", "", true},
		{"NO to LSUB", basic, &imap.ListOptions{Subscribed: true}, `
			C: {a} LIST "" *
			S: {a} OK done
			C: {b} LSUB "" *
			S: {b} NO no`, "LSUB", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withMailboxes(t, tt.caps, tt.script+"\nC: {n} NOOP\nS: {n} OK done\n", func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
				rows, err := c.List(ctx, tt.o)
				if err == nil || !strings.Contains(err.Error(), tt.want) || unsupported(err) != tt.cap || imapclient.SafeToRetry(err) == tt.sent || rows != nil {
					t.Errorf("%s, error %v", listed(rows), err)
				}
				if err := c.Noop(ctx); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// What is asked mailbox by mailbox is returned as far as it went, and the late answer reaches nobody.
func TestListIsCancelledBetweenMailboxes(t *testing.T) {
	withMailboxes(t, basic, `
		C: {a} LIST "" *
		S: * LIST () "/" a
		S: * LIST () "/" b
		S: {a} OK done
		C: {b} STATUS a (MESSAGES)
		C: {c} STATUS b (MESSAGES)
		S: * STATUS a (MESSAGES 3)
		S: {b} OK done
		S: * STATUS news (MESSAGES 1)
		wait 1m
		S: * STATUS b (MESSAGES 4)
		S: {c} OK done
		C: {n} NOOP
		S: {n} OK done
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
		why := errors.New("enough")
		cctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		h.then = func(what string) {
			if what == "status news" {
				cancel(why)
			}
		}
		rows, err := c.List(cctx, &imap.ListOptions{ReturnStatus: imap.StatusMessages})
		if !errors.Is(err, why) || listed(rows) != "a messages=3; b" {
			t.Errorf("listed %s (%v)", listed(rows), err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
		h.expect(t, "status news")
	})
}

// The server's first BAD to STATUS ends a LIST of many mailboxes: only those that were under way are asked.
func TestListWhenStatusIsNotUnderstood(t *testing.T) {
	const underWay, mailboxes = 64, 100
	var rows, asked, answers strings.Builder
	for i := range mailboxes {
		fmt.Fprintf(&rows, "S: * LIST () \"/\" m%d\n", i)
	}
	for i := range underWay {
		tag := string(rune('a'+i/26)) + string(rune('a'+i%26))
		fmt.Fprintf(&asked, "C: {t%s} STATUS m%d (MESSAGES)\n", tag, i)
		fmt.Fprintf(&answers, "S: {t%s} BAD what?\n", tag)
	}
	script := "C: {a} LIST \"\" *\n" + rows.String() + "S: {a} OK done\n" + asked.String() + answers.String() + "C: {n} NOOP\nS: {n} OK done\n"
	withMailboxes(t, basic, script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		rows, err := c.List(ctx, &imap.ListOptions{ReturnStatus: imap.StatusMessages})
		var refused *imap.StatusError
		if !errors.As(err, &refused) || refused.Text != "what?" || len(rows) != mailboxes {
			t.Errorf("%d rows (%v)", len(rows), err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}

// In a pipeline a LIST asks for one mailbox after the other.
func TestListInAPipeline(t *testing.T) {
	withMailboxes(t, basic, `
		C: {a} LIST "" *
		S: * LIST () "/" a
		S: * LIST () "/" b
		S: {a} OK done
		C: {b} STATUS a (MESSAGES)
		S: * STATUS a (MESSAGES 3)
		S: {b} OK done
		C: {c} STATUS b (MESSAGES)
		S: * STATUS b (MESSAGES 4)
		S: {c} OK done
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		err := c.Pipeline(ctx, func(ctx context.Context, c *imapclient.Conn) error {
			rows, err := c.List(ctx, &imap.ListOptions{ReturnStatus: imap.StatusMessages})
			if listed(rows) != "a messages=3; b messages=4" {
				t.Errorf("listed %s", listed(rows))
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestLsubXListAndDelimiter(t *testing.T) {
	withMailboxes(t, "IMAP4rev1 XLIST", `
		C: {a} LSUB "" %
		S: * LIST () "/" other
		S: * LSUB (\Noselect) "/" foo
		S: * LSUB () "/" bar
		S: {a} OK done
		C: {b} XLIST "" INBOX
		S: * XLIST (\Inbox) "/" Posteingang
		S: {b} OK done
		C: {c} LIST "" ""
		S: * LIST (\Noselect) "." ""
		S: {c} OK done
		C: {d} LIST "" ""
		S: * LIST (\Noselect) NIL ""
		S: {d} OK done
		C: {e} LIST "" ""
		S: {e} OK done
	`, func(t *testing.T, ctx context.Context, c *imapclient.Conn, h *news) {
		subs, err := c.Lsub(ctx, "", "%")
		if err != nil || len(subs) != 2 || subs[0].Mailbox != "foo" || !subs[0].Has(imap.AttrNoSelect) || subs[1].Mailbox != "bar" {
			t.Errorf("LSUB: %v (%v)", subs, err)
		}
		h.expect(t, "list other")
		boxes, err := c.XList(ctx, "", "INBOX")
		if err != nil || len(boxes) != 1 || boxes[0].Mailbox != "INBOX" {
			t.Errorf("XLIST: %v (%v)", boxes, err)
		}
		for _, want := range []rune{'.', 0} {
			if got, err := c.Delimiter(ctx); err != nil || got != want {
				t.Errorf("delimiter %q (%v), want %q", got, err, want)
			}
		}
		if _, err := c.Delimiter(ctx); !errors.As(err, new(*imapclient.NoDataError)) {
			t.Errorf("delimiter without an answer: %v", err)
		}
	})
	withMailboxes(t, "IMAP4rev2", ``, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		if _, err := c.Lsub(ctx, "", "*"); unsupported(err) != imap.CapIMAP4rev1 || !imapclient.SafeToRetry(err) {
			t.Errorf("LSUB of IMAP4rev2: %v", err)
		}
		if _, err := c.XList(ctx, "", "*"); unsupported(err) != imap.CapXList {
			t.Errorf("XLIST: %v", err)
		}
	})
}

func TestListOfEndlessMailboxes(t *testing.T) {
	rows := strings.Builder{}
	for i := range 250_001 {
		fmt.Fprintf(&rows, `* LIST () "/" m%d\r\n`, i)
	}
	script := "C: {a} LIST \"\" *\nS-raw: \"" + strings.ReplaceAll(rows.String(), `"`, `\"`) + "\"\nS: {a} OK done\nC: {n} NOOP\nS: {n} OK done\n"
	withMailboxes(t, basic, script, func(t *testing.T, ctx context.Context, c *imapclient.Conn, _ *news) {
		if rows, err := c.List(ctx, nil); !errors.Is(err, imapclient.ErrTooManyMailboxes) || rows != nil {
			t.Errorf("%d rows, error %v", len(rows), err)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
	})
}
