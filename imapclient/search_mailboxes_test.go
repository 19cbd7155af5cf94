package imapclient_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

func TestSearchMailboxes(t *testing.T) {
	in := []imap.MailboxSelector{{Kind: "MAILBOXES", Names: []string{"folder1"}}, {Kind: "SUBTREE", Names: []string{"folder2"}}}
	for _, test := range []struct {
		name, caps, script string
		o                  *imapclient.SearchOptions
		want               string
	}{
		{"the example of RFC 7377 section 3", "ESEARCH", `
			C: {c} ESEARCH IN (MAILBOXES (folder1) SUBTREE (folder2)) RETURN (ALL) UNSEEN
			S: * ESEARCH (TAG "{c}" MAILBOX "folder1" UIDVALIDITY 1) UID ALL 4001,4003,4005,4007,4009
			S: * ESEARCH (TAG "nobody" MAILBOX "folder1" UIDVALIDITY 1) UID ALL 3001:3004,3788
			S: * ESEARCH (TAG "{c}" MAILBOX "folder2/banana" UIDVALIDITY 503) UID ALL 3002,4004
			S: * ESEARCH (TAG "{c}" MAILBOX "folder2/peach" UIDVALIDITY 3) UID ALL 921691
			S: {c} OK done
		`, nil, "in folder1/1 uids 4001,4003,4005,4007,4009 count 5 min 4001 max 4009; in folder2/banana/503 uids 3002,4004 count 2 min 3002 max 4004; " +
			"in folder2/peach/3 uids 921691 count 1 min 921691 max 921691"},
		{
			"counts and windows", "ESEARCH PARTIAL", `
			C: {c} ESEARCH IN (MAILBOXES (folder1) SUBTREE (folder2)) RETURN (COUNT PARTIAL 1:2) UNSEEN
			S: * ESEARCH (MAILBOX "folder1" TAG "{c}" UIDVALIDITY 1) UID COUNT 4294967295 PARTIAL (1:2 5:6)
			S: {c} OK done
		`, &imapclient.SearchOptions{Return: imap.ReturnCount, Partial: &imap.PartialRange{First: 1, Last: 2}},
			"in folder1/1 count 4294967295 partial 1:2 [5:6]",
		},
		{"a server that goes on with a mailbox", "ESEARCH", `
			C: {c} ESEARCH IN (MAILBOXES (folder1) SUBTREE (folder2)) RETURN (ALL) UNSEEN
			S: * ESEARCH (TAG "{c}" MAILBOX "folder1" UIDVALIDITY 1) UID ALL 4
			S: * ESEARCH (TAG "{c}" MAILBOX "folder1" UIDVALIDITY 1) UID ALL 5
			S: {c} OK [LIMIT] and so on
		`, nil, "in folder1/1 uids 4:5 count 2 min 4 max 5"},
		{"nothing found", "", `
			C: {c} ESEARCH IN (MAILBOXES (folder1) SUBTREE (folder2)) RETURN (ALL) UNSEEN
			S: {c} OK done
		`, nil, ""},
		{"without a count, from a server that did not say ESEARCH", "", `
			C: {c} ESEARCH IN (MAILBOXES (folder1) SUBTREE (folder2)) RETURN (ALL) UNSEEN
			S: * ESEARCH (TAG "{c}" MAILBOX "folder1" UIDVALIDITY 1) UID ALL 4,6
			S: {c} OK done
		`, &imapclient.SearchOptions{Return: imap.ReturnCount}, "in folder1/1 count 2 local"},
	} {
		t.Run(test.name, func(t *testing.T) {
			sessionOn(t, "MULTISEARCH "+test.caps, test.script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				got, err := c.SearchMailboxes(ctx, in, imap.WithoutFlag(imap.FlagSeen), test.o)
				var text []string
				for _, r := range got {
					text = append(text, describe(r))
				}
				if err != nil || strings.Join(text, "; ") != test.want {
					t.Errorf("got %s (%v)\nwant %s", strings.Join(text, "; "), err, test.want)
				}
			})
		})
	}
}

func TestSearchMailboxesThatCannotBeDone(t *testing.T) {
	in := []imap.MailboxSelector{{Kind: "PERSONAL"}}
	sessionOn(t, "", "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		_, err := c.SearchMailboxes(ctx, in, imap.All(), nil)
		if e, ok := errors.AsType[*imapclient.UnsupportedError](err); !ok || e.Capability != imap.CapMultiSearch {
			t.Errorf("error %v", err)
		}
	})
	// A mailbox that is lost must not pass for one in which nothing was found.
	sessionOn(t, "MULTISEARCH ESEARCH", `
		C: {c} ESEARCH IN (PERSONAL) RETURN (ALL) ALL
		S: * ESEARCH (TAG "{c}" MAILBOX "a" UIDVALIDITY 1) UID ALL 4
		S: * ESEARCH (TAG "{c}" MAILBOX "b" UIDVALIDITY 1) UID ALL x
		S: {c} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if got, err := c.SearchMailboxes(ctx, in, imap.All(), nil); err == nil {
			t.Errorf("got %v and no error", got)
		}
	})
	sessionOn(t, "MULTISEARCH ESEARCH", `
		C: {c} ESEARCH IN (PERSONAL) RETURN (ALL) CHARSET UTF-8 SUBJECT {2+}
		C: ü
		S: * ESEARCH (TAG "{c}" MAILBOX "a" UIDVALIDITY 1) UID ALL 4
		S: {c} NO [BADCHARSET (ISO-8859-1)] no
		C: {d} ESEARCH IN (PERSONAL) RETURN (ALL) CHARSET ISO-8859-1 SUBJECT {1+}
		C-raw: "\xfc\r\n"
		S: * ESEARCH (TAG "{d}" MAILBOX "a" UIDVALIDITY 1) UID ALL 5
		S: {d} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		got, err := c.SearchMailboxes(ctx, in, imap.Subject("ü"), nil)
		if err != nil || len(got) != 1 || got[0].UIDs.String() != "5" {
			t.Errorf("got %v (%v)", got, err)
		}
	})
}
