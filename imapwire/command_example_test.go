package imapwire_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

func ExampleCommand() {
	opts := imapwire.EncodeOptions{LiteralPlus: true}
	day := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	for _, c := range []*imapwire.Command{
		imapwire.NewCommand("a1", "SELECT", opts).Mailbox("Entwürfe").SelectParams(true, false, nil),
		imapwire.NewCommand("a2", "UID SEARCH", opts).Search(imap.And(imap.Since(day), imap.Not(imap.WithFlag(imap.FlagSeen)))),
		imapwire.NewCommand("a3", "UID FETCH", opts).Set(imap.SetOfRange[imap.UID](5, 0)).Fetch(&imap.FetchOptions{Items: imap.ItemFlags}),
		imapwire.NewCommand("a4", "X-SNEAK", opts).Atom("x\r\na5 LOGOUT"),
	} {
		segs, err := c.Segments()
		if err != nil {
			fmt.Println(err)
			continue
		}
		for _, s := range segs {
			fmt.Printf("%q\n", s.Data)
		}
	}
	// Output:
	// "a1 SELECT \"Entw&APw-rfe\" (CONDSTORE)\r\n"
	// "a2 UID SEARCH SINCE 2-Nov-2026 UNSEEN\r\n"
	// "a3 UID FETCH 5:* (FLAGS)\r\n"
	// X-SNEAK: argument 1, atom: has bytes that no atom can have, or none
}

// What a trace shows of a password does not depend on the password.
func ExampleSegment_Redacted() {
	c := imapwire.NewCommand("a1", "LOGIN", imapwire.EncodeOptions{}).AString("jo").Secret("pässword")
	segs, _ := c.Segments()
	for _, s := range segs {
		fmt.Printf("wait %-5v %q\n", s.Wait, s.Redacted())
	}
	// Output:
	// wait false "a1 LOGIN jo ********\r\n"
	// wait true  "********\r\n"
}

func ExampleAppendResponse() {
	b, _ := imapwire.AppendResponse(nil, &imap.List{Attrs: []imap.Attr{imap.AttrSent}, Delim: '/', Mailbox: "Gesendet & mehr"}, nil)
	fmt.Println(strings.TrimSpace(string(b)))
	r, _ := imapwire.Decode(string(b), nil)
	fmt.Println(r.(*imap.List).Mailbox)
	// Output:
	// * LIST (\Sent) "/" "Gesendet &- mehr"
	// Gesendet & mehr
}
