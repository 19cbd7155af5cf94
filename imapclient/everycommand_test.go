package imapclient_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"reflect"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
)

// drained runs a sequence to its end.
func drained[T any](seq iter.Seq2[T, error]) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

// just drops a result.
func just[T any](_ T, err error) error { return err }

var (
	two     = imap.UIDs(5, 7)
	message = "Subject: x\r\n\r\nHello.\r\n"
	unread  = imap.Not(imap.WithFlag(imap.FlagSeen))
)

// twoSteps is a SASL mechanism with an initial response and a challenge.
type twoSteps struct{}

func (twoSteps) Start() (mech string, ir []byte, err error)      { return "X", []byte("first"), nil }
func (twoSteps) Next(challenge []byte) (reply []byte, err error) { return []byte("last"), nil }

// notWalked are methods without a row, and why.
var notWalked = map[string]string{
	"Compress": "what follows is compressed: TestCompressedConnectionSurvivesCancellation",
	"Idle":     "Wait, again and again; it ends with its context",
	"Logout":   "closes the connection in any case",
	"Settle":   "sends no command: TestSettleReadsWhatIsLate",
}

func TestEveryMethodIsCancelled(t *testing.T) {
	rows := map[string]bool{}
	for _, x := range everyCommand {
		name, _, _ := strings.Cut(x.name, " ")
		rows[name] = true
	}
	conn := reflect.TypeFor[*imapclient.Conn]()
	for i := range conn.NumMethod() {
		m := conn.Method(i)
		takes := m.Type.NumIn() > 1 && m.Type.In(1) == reflect.TypeFor[context.Context]()
		if takes && !rows[m.Name] && notWalked[m.Name] == "" {
			t.Errorf("everyCommand has no row for Conn.%s", m.Name)
		}
	}
}

var everyCommand = []exchange{
	// Session.
	{name: "Capability", script: `
		C: {a} CAPABILITY
		S: * CAPABILITY IMAP4rev1
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Capability(ctx)) }},
	{name: "Noop", script: `
		C: {a} NOOP
		S: * 4 EXISTS
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Noop(ctx) }},
	{name: "ID", caps: "ID", script: `
		C: {a} ID ("name" "x")
		S: * ID ("name" {1}
		S: y)
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.ID(ctx, imap.Attribute{Name: "name", Value: "x"}))
	}},
	{name: "Enable", script: `
		C: {a} ENABLE UTF8=ACCEPT
		S: * ENABLED UTF8=ACCEPT
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Enable(ctx, imap.CapUTF8Accept)) }},
	{name: "Notify", caps: "NOTIFY", script: `
		C: {a} NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge))
		S: * STATUS x (MESSAGES 1)
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		o := notify(imap.NotifyGroup{Mailboxes: ofAll, Events: newAndGone})
		o.Status = true
		return c.Notify(ctx, o)
	}},
	{name: "Languages", caps: "LANGUAGE", script: `
		C: {a} LANGUAGE
		S: * LANGUAGE (en)
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Languages(ctx)) }},
	{name: "SetLanguage", caps: "LANGUAGE", script: `
		C: {a} LANGUAGE en
		S: * LANGUAGE (en)
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.SetLanguage(ctx, "en")) }},
	{name: "Comparator", caps: "I18NLEVEL=2", script: `
		C: {a} COMPARATOR
		S: * COMPARATOR i;octet
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Comparator(ctx)) }},
	{name: "JMAPAccess", caps: "JMAPACCESS", script: `
		C: {a} GETJMAPACCESS
		S: * JMAPACCESS "https://x"
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.JMAPAccess(ctx)) }},
	{name: "Wait", caps: "IDLE", state: "selected", script: `
		C: {a} IDLE
		S: + idling
		S: * 4 EXISTS
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Wait(ctx) }},
	{name: "Pipeline", state: "selected", script: `
		C: {a} NOOP
		C: {b} STATUS x (MESSAGES)
		C: {c} UID FETCH 5 (UID FLAGS RFC822.SIZE)
		S: {a} OK done
		S: * STATUS x (MESSAGES 3)
		S: {b} OK done
		S: * 1 FETCH (UID 5 FLAGS () RFC822.SIZE 1)
		S: {c} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		var flags []string
		return c.Pipeline(ctx, noop, statusOf("x", new(uint32)), flagsOf(imap.UIDs(5), &flags))
	}},

	// Authentication.
	{name: "Login", state: "new", script: `
		C: {a} LOGIN jo secret
		S: {a} OK [CAPABILITY IMAP4rev1] welcome
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Login(ctx, "jo", "secret") }},
	{name: "SignIn", caps: "AUTH=PLAIN", state: "new", script: `
		C: {a} AUTHENTICATE PLAIN AGpvAHNlY3JldA==
		S: {a} OK welcome
		C: {b} CAPABILITY
		S: * CAPABILITY IMAP4rev1
		S: {b} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return c.SignIn(ctx, &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret("secret"), AllowCleartext: true})
	}},
	{name: "Authenticate", caps: "AUTH=X", state: "new", script: `
		C: {a} AUTHENTICATE X Zmlyc3Q=
		S: + d2hhdD8=
		C: bGFzdA==
		S: {a} OK [CAPABILITY IMAP4rev1] welcome
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Authenticate(ctx, &twoSteps{}) }},
	{name: "Unauthenticate", caps: "UNAUTHENTICATE", script: `
		C: {a} UNAUTHENTICATE
		S: {a} OK bye
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Unauthenticate(ctx) }},

	// Mailboxes.
	{name: "Select", state: "selected", script: `
		C: {a} SELECT x
		S: * 3 EXISTS
		S: * OK [UIDVALIDITY 7] valid
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Select(ctx, "x", nil)) }},
	{name: "Unselect", caps: "UNSELECT", state: "selected", script: `
		C: {a} UNSELECT
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Unselect(ctx) }},
	{name: "Unselect without UNSELECT", state: "selected", script: `
		C: {a} EXAMINE INBOX
		S: {a} OK done
		C: {b} CLOSE
		S: {b} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Unselect(ctx) }},
	{name: "CloseMailbox", state: "selected", script: `
		C: {a} CLOSE
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.CloseMailbox(ctx) }},
	{name: "Check", state: "selected", script: `
		C: {a} CHECK
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Check(ctx) }},
	{name: "Status", script: `
		C: {a} STATUS x (MESSAGES)
		S: * STATUS x (MESSAGES 3)
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.Status(ctx, "x", imap.StatusMessages))
	}},
	{name: "List", caps: "LIST-EXTENDED", script: `
		C: {a} LIST "" *
		S: * LIST () "/" {1}
		S: x
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.List(ctx, nil)) }},
	{name: "Lsub", script: `
		C: {a} LSUB "" *
		S: * LSUB () "/" x
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Lsub(ctx, "", "*")) }},
	{name: "XList", caps: "XLIST", script: `
		C: {a} XLIST "" *
		S: * XLIST () "/" x
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.XList(ctx, "", "*")) }},
	{name: "Delimiter", caps: "NAMESPACE", script: `
		C: {a} LIST "" ""
		S: * LIST () "/" ""
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Delimiter(ctx)) }},
	{name: "SpecialUses", caps: "SPECIAL-USE LIST-EXTENDED", script: `
		C: {a} LIST (SPECIAL-USE) "" *
		S: * LIST (\Sent) "/" Sent
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.SpecialUses(ctx)) }},
	{name: "Namespace", caps: "NAMESPACE", script: `
		C: {a} NAMESPACE
		S: * NAMESPACE (("" "/")) NIL NIL
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Namespace(ctx)) }},
	{name: "Create", script: `
		C: {a} CREATE x
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Create(ctx, "x")) }},
	{name: "Delete", script: `
		C: {a} DELETE x
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Delete(ctx, "x") }},
	{name: "Rename", script: `
		C: {a} RENAME x y
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Rename(ctx, "x", "y") }},
	{name: "Subscribe", script: `
		C: {a} SUBSCRIBE x
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Subscribe(ctx, "x") }},
	{name: "Unsubscribe", script: `
		C: {a} UNSUBSCRIBE x
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Unsubscribe(ctx, "x") }},
	{name: "GetACL", caps: "ACL", script: `
		C: {a} GETACL x
		S: * ACL x jo lrs
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.GetACL(ctx, "x")) }},
	{name: "SetACL", caps: "ACL", script: `
		C: {a} SETACL x jo "+lrs"
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return c.SetACL(ctx, "x", "jo", imap.StoreAdd, "lrs")
	}},
	{name: "DeleteACL", caps: "ACL", script: `
		C: {a} DELETEACL x jo
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.DeleteACL(ctx, "x", "jo") }},
	{name: "ListRights", caps: "ACL", script: `
		C: {a} LISTRIGHTS x jo
		S: * LISTRIGHTS x jo "" l r
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.ListRights(ctx, "x", "jo")) }},
	{name: "MyRights", caps: "ACL", script: `
		C: {a} MYRIGHTS x
		S: * MYRIGHTS x lrs
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.MyRights(ctx, "x")) }},
	{name: "GetQuota", caps: "QUOTA", script: `
		C: {a} GETQUOTA ""
		S: * QUOTA "" (STORAGE 1 2)
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.GetQuota(ctx, "")) }},
	{name: "GetQuotaRoot", caps: "QUOTA", script: `
		C: {a} GETQUOTAROOT x
		S: * QUOTAROOT x ""
		S: * QUOTA "" (STORAGE 1 2)
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.GetQuotaRoot(ctx, "x")) }},
	{name: "SetQuota", caps: "QUOTA QUOTASET", script: `
		C: {a} SETQUOTA "" (STORAGE 2)
		S: * QUOTA "" (STORAGE 1 2)
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.SetQuota(ctx, "", imap.QuotaResource{Name: "STORAGE", Limit: 2}))
	}},
	{name: "GetMetadata", caps: "METADATA", script: `
		C: {a} GETMETADATA x (/shared/comment)
		S: * METADATA x (/shared/comment "y")
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.GetMetadata(ctx, "x", nil, "/shared/comment"))
	}},
	{name: "SetMetadata", caps: "METADATA", script: `
		C: {a} SETMETADATA x (/shared/comment "y")
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return c.SetMetadata(ctx, "x", imap.Attribute{Name: "/shared/comment", Value: "y"})
	}},
	{name: "ResetKey", caps: "URLAUTH", script: `
		C: {a} RESETKEY
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.ResetKey(ctx, "") }},
	{name: "GenURLAuth", caps: "URLAUTH", script: `
		C: {a} GENURLAUTH {*} INTERNAL
		S: * GENURLAUTH "imap://x/y;urlauth=anonymous:internal:9"
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.GenURLAuth(ctx, "INTERNAL", "imap://x/y;urlauth=anonymous"))
	}},
	{name: "URLFetch", caps: "URLAUTH", script: `
		C: {a} URLFETCH {*}
		S: * URLFETCH "imap://x/y;urlauth=anonymous:internal:9" "text"
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.URLFetch(ctx, "imap://x/y;urlauth=anonymous:internal:9"))
	}},

	// Messages.
	{name: "Fetch", state: "selected", script: `
		C: {a} UID FETCH 5,7 (UID FLAGS BODY.PEEK[])
		S: * 1 FETCH (UID 5 FLAGS () BODY[] {3}
		S: a)
		S: * 2 FETCH (UID 7 FLAGS () BODY[] "y")
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return drained(c.Fetch(ctx, two, &imap.FetchOptions{Items: imap.ItemFlags, Sections: []imap.SectionRequest{{}}}))
	}},
	{name: "FetchEach", state: "selected", script: `
		C: {a} UID FETCH 5,7 (UID FLAGS)
		S: * 1 FETCH (UID 5 FLAGS ())
		S: * 2 FETCH (UID 7 FLAGS (\Seen))
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return c.FetchEach(ctx, two, &imap.FetchOptions{Items: imap.ItemFlags}, func(*imap.Message) error { return nil })
	}},
	{name: "FetchSeq", state: "selected", script: `
		C: {a} FETCH 1 (UID FLAGS)
		S: * 1 FETCH (UID 5 FLAGS ())
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return drained(c.FetchSeq(ctx, imap.SeqSet{{First: 1, Last: 1}}, &imap.FetchOptions{Items: imap.ItemFlags}))
	}},
	{name: "FetchSection", state: "selected", script: `
		C: {a} UID FETCH 5 (UID BODY.PEEK[])
		S: * 1 FETCH (UID 5 BODY[] {4}
		S: ab)
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.FetchSection(ctx, 5, imap.SectionRequest{}, io.Discard))
	}},
	{name: "FetchBodies", state: "selected", script: `
		C: {a} UID FETCH 5,7 (UID BODY.PEEK[])
		S: * 1 FETCH (UID 5 BODY[] {4}
		S: ab)
		S: * 2 FETCH (UID 7 BODY[] "y")
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		for b, err := range c.FetchBodies(ctx, two, &imap.FetchOptions{Sections: []imap.SectionRequest{{}}}) {
			if err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, b); err != nil {
				return err
			}
		}
		return nil
	}},
	{name: "Store", state: "selected", script: `
		C: {a} UID STORE 5,7 +FLAGS (\Seen)
		S: * 1 FETCH (UID 5 FLAGS (\Seen))
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.Store(ctx, two, &imap.StoreOptions{Mode: imap.StoreAdd, Flags: []imap.Flag{imap.FlagSeen}}))
	}},
	{name: "Copy", state: "selected", script: `
		C: {a} UID COPY 5,7 x
		S: {a} OK [COPYUID 7 5,7 1:2] done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Copy(ctx, two, "x")) }},
	{name: "Move", caps: "MOVE", state: "selected", script: `
		C: {a} UID MOVE 5,7 x
		S: * OK [COPYUID 7 5,7 1:2] moved
		S: * 1 EXPUNGE
		S: * 1 EXPUNGE
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Move(ctx, two, "x", nil)) }},
	{name: "Move without MOVE", state: "selected", script: `
		C: {a} UID COPY 5,7 x
		S: {a} OK [COPYUID 7 5,7 1:2] copied
		C: {b} UID STORE 5,7 {*}
		S: {b} OK done
		C: {c} UID EXPUNGE 5,7
		S: * 1 EXPUNGE
		S: * 1 EXPUNGE
		S: {c} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Move(ctx, two, "x", nil)) }},
	{name: "Expunge", state: "selected", script: `
		C: {a} EXPUNGE
		S: * 1 EXPUNGE
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.Expunge(ctx) }},
	{name: "ExpungeUIDs", state: "selected", script: `
		C: {a} UID EXPUNGE 5,7
		S: * 1 EXPUNGE
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return c.ExpungeUIDs(ctx, two) }},
	{name: "Append", script: `
		C: {a} APPEND x {22}
		S: + go on
		C-raw: "Subject: x\r\n\r\nHello.\r\n\r\n"
		S: {a} OK [APPENDUID 7 9] done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.Append(ctx, "x", strings.NewReader(message), int64(len(message)), nil))
	}},
	{name: "Append without waiting", caps: "LITERAL+", script: `
		C: {a} APPEND x {22+}
		C-raw: "Subject: x\r\n\r\nHello.\r\n\r\n"
		S: {a} OK [APPENDUID 7 9] done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.Append(ctx, "x", bytes.NewReader([]byte(message)), int64(len(message)), nil))
	}},
	{name: "AppendMessages", caps: "LITERAL+ MULTIAPPEND", script: `
		C: {a} APPEND x {22+}
		C-raw: "Subject: x\r\n\r\nHello.\r\n {22+}\r\nSubject: x\r\n\r\nHello.\r\n\r\n"
		S: {a} OK [APPENDUID 7 9:10] done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		m := imap.AppendMessage{Data: []byte(message)}
		return just(c.AppendMessages(ctx, "x", m, m))
	}},
	{name: "Replace", caps: "LITERAL+ REPLACE", state: "selected", script: `
		C: {a} UID REPLACE 5 x {22+}
		C-raw: "Subject: x\r\n\r\nHello.\r\n\r\n"
		S: * OK [APPENDUID 7 9] done
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.Replace(ctx, 5, "x", imap.AppendMessage{Data: []byte(message)}))
	}},
	{name: "Previews", caps: "PREVIEW", state: "selected", script: `
		C: {a} UID FETCH 5,7 {*}
		S: * 1 FETCH (UID 5 PREVIEW "a")
		S: * 2 FETCH (UID 7 PREVIEW "b")
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return drained(c.Previews(ctx, two, nil)) }},

	// Search.
	{name: "Search", state: "selected", script: `
		C: {a} UID SEARCH UNSEEN
		S: * SEARCH 5 7
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.Search(ctx, unread)) }},
	{name: "Search for what is not ASCII", caps: "ESEARCH", state: "selected", script: `
		C: {a} UID SEARCH RETURN (ALL) CHARSET UTF-8 SUBJECT {7}
		S: + go on
		C-raw: "grüße\r\n"
		S: * ESEARCH (TAG "{a}") UID ALL 5,7
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.Search(ctx, imap.Subject("grüße")))
	}},
	{name: "SearchWith", caps: "ESEARCH", state: "selected", script: `
		C: {a} UID SEARCH RETURN (COUNT) UNSEEN
		S: * ESEARCH (TAG "{a}") UID COUNT 2
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.SearchWith(ctx, unread, &imapclient.SearchOptions{Return: imap.ReturnCount}))
	}},
	{name: "SearchSeq", state: "selected", script: `
		C: {a} SEARCH UNSEEN
		S: * SEARCH 1 2
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.SearchSeq(ctx, unread)) }},
	{name: "SearchMailboxes", caps: "ESEARCH MULTISEARCH", script: `
		C: {a} ESEARCH IN (PERSONAL) RETURN (ALL) UNSEEN
		S: * ESEARCH (TAG "{a}" MAILBOX x UIDVALIDITY 7) UID ALL 5
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.SearchMailboxes(ctx, []imap.MailboxSelector{ofAll}, unread, nil))
	}},
	{name: "SearchLive", caps: "ESEARCH CONTEXT=SEARCH", state: "selected", script: `
		C: {a} UID SEARCH RETURN (ALL UPDATE) UNSEEN
		S: * ESEARCH (TAG "{a}") UID ALL 5
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error { return just(c.SearchLive(ctx, unread, nil)) }},
	{name: "Sort", caps: "SORT", state: "selected", script: `
		C: {a} UID SORT (DATE) US-ASCII UNSEEN
		S: * SORT 7 5
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.Sort(ctx, []imap.SortKey{{Key: "DATE"}}, unread, nil))
	}},
	{name: "Thread", caps: "THREAD=REFERENCES", state: "selected", script: `
		C: {a} UID THREAD REFERENCES US-ASCII UNSEEN
		S: * THREAD (5 7)
		S: {a} OK done
	`, do: func(ctx context.Context, c *imapclient.Conn) error {
		return just(c.Thread(ctx, "REFERENCES", unread, nil))
	}},
}
