package conformance

import (
	"fmt"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

var searchRows = []row{
	{name: "SEARCH", covers: "Search", run: func(p *probe) {
		p.open(4)
		p.change(`STORE 2 +FLAGS.SILENT (\Flagged)`)
		p.finds("all", imap.All(), "1:4")
		p.finds("flagged", imap.WithFlag(imap.FlagFlagged), "2")
		p.finds("subject", imap.Subject("message 3"), "3")
		p.finds("from, or not", imap.And(imap.Or(imap.From("jo1"), imap.From("jo2")), imap.Not(imap.WithFlag(imap.FlagFlagged))), "1")
		p.finds("body", imap.Body("number 4"), "4")
		p.finds("header", imap.Header("Message-ID", "m2@"), "2")
		p.finds("sent", imap.SentSince(time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)), "3:4")
		p.finds("larger", imap.Larger(uint64(len(letter(3)))), "4")
		p.finds("UIDs", imap.UIDIn(imap.UIDs(1, 4, 9)), "1,4")
	}},
	{name: "SEARCH in UTF-8", covers: "Search", run: func(p *probe) {
		_, err := p.witness().Append("INBOX", []byte("From: jo@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nx\r\n"))
		p.check(err)
		p.choose("INBOX", nil)
		p.finds("subject", imap.Subject("Grüße"), "1")
		p.finds("no such", imap.Subject("Grün"), "")
	}},
	{name: "SEARCH OLDER, YOUNGER", needs: "WITHIN", covers: "Search", run: func(p *probe) {
		p.open(2)
		p.finds("within an hour", imap.Within(time.Hour), "1:2")
		p.finds("older than an hour", imap.OlderThan(time.Hour), "")
	}},
	{name: "SEARCH MODSEQ", needs: "CONDSTORE", covers: "Search", run: func(p *probe) {
		before := p.openModSeq(3)
		p.change(`STORE 2 +FLAGS.SILENT (\Flagged)`)
		found, err := p.c.Search(p.ctx, imap.ModSeqSince(before+1))
		p.check(err)
		want(p, "found", found.UIDs.String(), "2")
		want(p, "mod-sequence is told", found.ModSeq > before, true)
	}},
	{name: "SEARCH by sequence number", covers: "SearchSeq", run: func(p *probe) {
		p.open(3)
		p.check(p.witness().Expunge(1))
		p.check(p.c.Noop(p.ctx))
		found, err := p.c.SearchSeq(p.ctx, imap.Subject("message 3"))
		p.check(err)
		want(p, "found", found.String(), "2")
	}},
	{name: "SEARCH RETURN (MIN MAX COUNT)", needs: "ESEARCH|IMAP4rev2", covers: "SearchWith", run: func(p *probe) {
		p.open(4)
		found, err := p.c.SearchWith(p.ctx, imap.UIDAfter(1), &imapclient.SearchOptions{Return: imap.ReturnMin | imap.ReturnMax | imap.ReturnCount})
		p.check(err)
		want(p, "least, greatest, how many", []any{found.Min, found.Max, found.Count}, []any{2, 4, 3})
	}},
	{name: "SEARCH RETURN (SAVE), $", needs: "SEARCHRES|IMAP4rev2", covers: "SearchWith Fetch Store", run: func(p *probe) {
		p.open(3)
		_, err := p.c.SearchWith(p.ctx, imap.Subject("message 2"), &imapclient.SearchOptions{Return: imap.ReturnSave})
		p.check(err)
		rows := p.rows(imap.SavedResult{}, &imap.FetchOptions{Items: imap.ItemEnvelope})
		if len(rows) != 1 || rows[0].Envelope.Subject != "message 2" {
			p.failf("fetched %v", rows)
		}
		_, err = p.c.Store(p.ctx, imap.SavedResult{}, &imap.StoreOptions{Mode: imap.StoreAdd, Silent: true, Flags: []imap.Flag{imap.FlagFlagged}})
		p.check(err)
		p.sees("FETCH 2 FLAGS", `\Flagged`)
		p.misses("FETCH 3 FLAGS", `\Flagged`)
	}},
	{name: "SEARCH RETURN (PARTIAL)", needs: "PARTIAL|CONTEXT=SEARCH", covers: "SearchWith", run: func(p *probe) {
		p.open(5)
		found, err := p.c.SearchWith(p.ctx, imap.All(), &imapclient.SearchOptions{Partial: &imap.PartialRange{First: 2, Last: 3}})
		p.check(err)
		want(p, "window", found.Partial.Nums.String(), "2:3")
	}},
	{name: "SEARCH RETURN (UPDATE)", needs: "CONTEXT=SEARCH", covers: "SearchLive", run: func(p *probe) {
		p.open(2)
		live, err := p.c.SearchLive(p.ctx, imap.WithFlag(imap.FlagFlagged), nil)
		p.check(err)
		want(p, "at first", live.UIDs().String(), "")
		p.change(`STORE 2 +FLAGS (\Flagged)`)
		for live.UIDs().String() != "2" {
			p.check(p.c.Wait(p.ctx))
		}
		p.check(live.Close(p.ctx))
	}},
	{name: "SEARCH FUZZY", needs: "SEARCH=FUZZY", covers: "SearchWith", run: func(p *probe) {
		p.open(3)
		found, err := p.c.SearchWith(p.ctx, imap.Fuzzy(imap.Subject("message 3")), nil)
		p.check(err)
		want(p, "found", found.UIDs.Contains(3), true)
	}, odd: odd{cyrusName: {"found: false", "FUZZY finds nothing without a full-text index, which these tests do not make"}}},
	{name: "SEARCH EMAILID", needs: "OBJECTID", covers: "Search", run: func(p *probe) {
		p.open(2)
		m := p.one(2, &imap.FetchOptions{Items: imap.ItemEmailID})
		p.finds("by id", imap.WithEmailID(m.More.EmailID), "2")
	}},
	{name: "SEARCH SAVEDSINCE", needs: "SAVEDATE", covers: "Search", run: func(p *probe) {
		p.open(2)
		p.finds("saved since yesterday", imap.SavedSince(time.Now().AddDate(0, 0, -1)), "1:2")
		p.finds("saved before yesterday", imap.SavedBefore(time.Now().AddDate(0, 0, -1)), "")
	}},
	{name: "SEARCH of many mailboxes", needs: "MULTISEARCH", covers: "SearchMailboxes", run: func(p *probe) {
		p.seed(2)
		found, err := p.c.SearchMailboxes(p.ctx, []imap.MailboxSelector{{Kind: "PERSONAL"}}, imap.Subject("message 2"), nil)
		p.check(err)
		want(p, "mailboxes", len(found), 1)
		want(p, "found", found[0].Mailbox+" "+found[0].UIDs.String(), "INBOX 2")
	}},
	{name: "SORT", needs: "SORT", covers: "Sort", run: func(p *probe) {
		p.open(4)
		p.sorts("4 3 2 1", imap.SortKey{Key: "SUBJECT", Reverse: true})
		p.sorts("1 2 3 4", imap.SortKey{Key: "DATE"})
		p.sorts("4 3 2 1", imap.SortKey{Key: "SIZE", Reverse: true}, imap.SortKey{Key: "FROM"})
	}},
	{name: "SORT by DISPLAYFROM", needs: "SORT=DISPLAY", covers: "Sort", run: func(p *probe) {
		p.open(3)
		p.sorts("3 2 1", imap.SortKey{Key: "DISPLAYFROM", Reverse: true})
	}},
	{name: "SORT RETURN (MIN COUNT)", needs: "ESORT", covers: "Sort", run: func(p *probe) {
		p.open(4)
		found, err := p.c.Sort(p.ctx, []imap.SortKey{{Key: "DATE", Reverse: true}}, imap.All(), &imapclient.SearchOptions{Return: imap.ReturnMin | imap.ReturnCount})
		p.check(err)
		want(p, "first, how many", []any{found.Min, found.Count}, []any{4, 4})
	}, odd: odd{cyrusName: {`\[1 4\], want \[4 4\]`, "MIN of SORT is the least UID, not the first in the order (RFC 5267 section 3.1)"}}},
	thread("REFERENCES", "(1 2 3 4)"), thread("ORDEREDSUBJECT", "(1 4) (2) (3)"), thread("REFS", "(1 2 3) (4)"),
}

// finds searches and compares.
func (p *probe) finds(what string, key imap.SearchKey, uids string) {
	found, err := p.c.Search(p.ctx, key)
	p.check(err)
	want(p, what, found.UIDs.String(), uids)
}

// sorts sorts all messages and compares.
func (p *probe) sorts(uids string, keys ...imap.SortKey) {
	found, err := p.c.Sort(p.ctx, keys, imap.All(), nil)
	p.check(err)
	var words []string
	for uid := range found.Order.All() {
		words = append(words, fmt.Sprint(uid))
	}
	want(p, fmt.Sprint(keys), strings.Join(words, " "), uids)
}

// thread is the row of an algorithm. Messages 1 to 3 answer each other under different subjects, and 4 has the subject of 1.
func thread(algorithm, threads string) row {
	return row{name: "THREAD=" + algorithm, needs: "THREAD=" + algorithm, covers: "Thread", run: func(p *probe) {
		p.seed(3)
		_, err := p.witness().Append("INBOX", []byte("From: jo@example.org\r\nSubject: message 1\r\nDate: Fri, 9 Jan 2026 10:00:00 +0000\r\nMessage-ID: <m4@example.org>\r\n\r\nx\r\n"))
		p.check(err)
		p.choose("INBOX", nil)
		found, err := p.c.Thread(p.ctx, algorithm, imap.All(), nil)
		p.check(err)
		var words []string
		for _, root := range found.Roots {
			words = append(words, "("+strings.TrimSpace(members(root))+")")
		}
		want(p, "threads", strings.Join(words, " "), threads)
	}}
}

// members are the messages of a thread, sorted as the server has them.
func members(n imap.ThreadNode) string {
	var words []string
	if n.Num != 0 {
		words = append(words, fmt.Sprint(n.Num))
	}
	for _, child := range n.Children {
		words = append(words, members(child))
	}
	return strings.Join(words, " ")
}
