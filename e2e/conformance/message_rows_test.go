package conformance

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

var messageRows = []row{
	{name: "FETCH flags, dates, sizes, envelope", covers: "Fetch", run: func(p *probe) {
		p.open(3)
		p.change(`STORE 2 +FLAGS.SILENT (\Flagged)`)
		rows := p.rows(imap.UIDs(2, 3, 99), &imap.FetchOptions{Items: imap.ItemsAll})
		want(p, "rows", len(rows), 2)
		m := rows[0]
		want(p, "subject, from", []string{m.Envelope.Subject, m.Envelope.From[0].Addr()}, []string{"message 2", "jo2@example.org"})
		want(p, "message id", strings.Trim(m.Envelope.MessageID, "<>"), "m2@example.org")
		want(p, "flagged", imap.HasFlag(m.Flags, imap.FlagFlagged), true)
		if d := time.Since(m.InternalDate); d < -time.Minute || d > 10*time.Minute {
			p.failf("arrived %v ago", d)
		}
		p.sees("FETCH 2 RFC822.SIZE", fmt.Sprintf("RFC822.SIZE %d", m.Size))
	}},
	{name: "FETCH by sequence number", covers: "FetchSeq", run: func(p *probe) {
		p.open(3)
		p.check(p.witness().Expunge(1))
		p.check(p.c.Noop(p.ctx))
		p.check(p.c.Noop(p.ctx))
		var uids []imap.UID
		for m, err := range p.c.FetchSeq(p.ctx, imap.SetOf[imap.SeqNum](2), &imap.FetchOptions{Items: imap.ItemFlags}) {
			p.check(err)
			uids = append(uids, m.UID)
		}
		want(p, "UIDs", uids, []imap.UID{3})
	}},
	{name: "FETCH into one row that is used again", covers: "FetchEach", run: func(p *probe) {
		p.open(3)
		var subjects []string
		p.check(p.c.FetchEach(p.ctx, imap.UIDs(1, 3), &imap.FetchOptions{Items: imap.ItemEnvelope}, func(m *imap.Message) error {
			subjects = append(subjects, strings.Clone(m.Envelope.Subject))
			return nil
		}))
		want(p, "subjects", subjects, []string{"message 1", "message 3"})
	}},
	{name: "FETCH BODYSTRUCTURE, BODY", covers: "Fetch", run: func(p *probe) {
		p.attachment()
		m := p.one(1, &imap.FetchOptions{Items: imap.ItemBody})
		var names []string
		for section, part := range m.Body.Attachments() {
			names = append(names, section+" "+part.Filename(nil))
		}
		want(p, "attachments", names, []string{"2 plan.bin"})
		m = p.one(1, &imap.FetchOptions{Items: imap.ItemBodyBasic})
		want(p, "basic", m.Body.MediaType(), "multipart/mixed")
	}},
	{name: "FETCH BODY.PEEK[section]<partial>", covers: "Fetch", run: func(p *probe) {
		p.attachment()
		m := p.one(1, &imap.FetchOptions{Sections: []imap.SectionRequest{
			{Text: "HEADER.FIELDS", Fields: []string{"Subject", "X-None"}}, {Part: []uint32{1}}, {Part: []uint32{1}, Offset: 2, Length: 3}, {Part: []uint32{2}, Text: "MIME"},
		}})
		want(p, "sections", len(m.Sections), 4)
		want(p, "header", m.Sections[0].Data, "Subject: plan\r\n\r\n")
		want(p, "part", strings.TrimSpace(m.Sections[1].Data), "the plan")
		want(p, "piece", m.Sections[2].Data, "e p")
		want(p, "MIME header", strings.Contains(m.Sections[3].Data, "base64"), true)
		p.misses("FETCH 1 FLAGS", `\Seen`)
	}},
	{name: "FETCH BODY[] sets \\Seen", covers: "Fetch", run: func(p *probe) {
		p.open(1)
		p.one(1, &imap.FetchOptions{Sections: []imap.SectionRequest{{SetSeen: true}}})
		p.sees("FETCH 1 FLAGS", `\Seen`)
	}},
	{name: "FETCH one section as a stream", covers: "FetchSection", run: func(p *probe) {
		p.open(2)
		var body bytes.Buffer
		n, err := p.c.FetchSection(p.ctx, 2, imap.SectionRequest{}, &body)
		p.check(err)
		want(p, "length", n, int64(len(letter(2))))
		want(p, "content", body.String(), string(letter(2)))
		body.Reset()
		_, err = p.c.FetchSection(p.ctx, 2, imap.SectionRequest{Offset: 10, Length: imap.ToEnd}, &body)
		p.check(err)
		want(p, "the rest", body.String(), string(letter(2))[10:])
		if _, err := p.c.FetchSection(p.ctx, 99, imap.SectionRequest{}, io.Discard); err == nil {
			p.failf("a body of no message")
		}
		p.misses("FETCH 2 FLAGS", `\Seen`)
	}},
	{name: "FETCH many bodies as streams", covers: "FetchBodies", run: func(p *probe) {
		p.open(5)
		var got []string
		for body, err := range p.c.FetchBodies(p.ctx, imap.SetOfRange[imap.UID](1, 5), &imap.FetchOptions{Sections: []imap.SectionRequest{{}}}) {
			p.check(err)
			text, err := io.ReadAll(body)
			p.check(err)
			want(p, "content", string(text), string(letter(int(body.Message.UID))))
			got = append(got, fmt.Sprint(body.Message.UID))
		}
		slices.Sort(got)
		want(p, "messages", got, []string{"1", "2", "3", "4", "5"})
	}},
	{name: "APPEND and FETCH of 5 MB", covers: "Append FetchSection", run: func(p *probe) {
		text := append(letter(1), bytes.Repeat([]byte("0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n"), 80_000)...)
		_, err := p.c.Append(p.ctx, "INBOX", bytes.NewReader(text), int64(len(text)), nil)
		p.check(err)
		p.choose("INBOX", nil)
		hash := sha256.New()
		n, err := p.c.FetchSection(p.ctx, 1, imap.SectionRequest{}, hash)
		p.check(err)
		want(p, "length", n, int64(len(text)))
		want(p, "hash", fmt.Sprintf("%x", hash.Sum(nil)), fmt.Sprintf("%x", sha256.Sum256(text)))
	}},
	{name: "FETCH and STORE of a set with 5,000 ranges", covers: "Fetch Store", run: func(p *probe) {
		p.open(4)
		var set imap.UIDSet
		for uid := imap.UID(1); uid < 10_000; uid += 2 {
			set.Add(uid)
		}
		want(p, "rows", len(p.rows(set, &imap.FetchOptions{Items: imap.ItemFlags})), 2)
		_, err := p.c.Store(p.ctx, set, &imap.StoreOptions{Mode: imap.StoreAdd, Silent: true, Flags: []imap.Flag{imap.FlagFlagged}})
		p.check(err)
		p.sees("FETCH 3 FLAGS", `\Flagged`)
		p.misses("FETCH 2 FLAGS", `\Flagged`)
	}},
	{name: "FETCH BINARY, BINARY.SIZE", needs: "BINARY|IMAP4rev2", covers: "Fetch", run: func(p *probe) {
		p.attachment()
		m := p.one(1, &imap.FetchOptions{Sections: []imap.SectionRequest{{Item: imap.SectionItemBinary, Part: []uint32{2}}, {Item: imap.SectionItemBinarySize, Part: []uint32{2}}}})
		want(p, "content", m.Sections[0].Data, "\x00\x01\x02binary")
		want(p, "size", m.Sections[1].Size, int64(9))
	}},
	{name: "FETCH MODSEQ, CHANGEDSINCE", needs: "CONDSTORE", covers: "Fetch", run: func(p *probe) {
		p.open(3)
		highest := p.one(3, &imap.FetchOptions{Items: imap.ItemModSeq}).ModSeq
		for _, m := range p.rows(imap.UIDs(1, 2), &imap.FetchOptions{Items: imap.ItemModSeq}) {
			highest = max(highest, m.ModSeq)
		}
		p.change(`STORE 2 +FLAGS.SILENT (\Flagged)`)
		rows := p.rows(imap.SetOfRange[imap.UID](1, 0), &imap.FetchOptions{Items: imap.ItemFlags, ChangedSince: highest})
		if len(rows) != 1 || rows[0].UID != 2 || rows[0].ModSeq <= highest {
			p.failf("changed since %d: %v", highest, rows)
		}
	}},
	{name: "FETCH (VANISHED)", needs: "QRESYNC", covers: "Fetch", run: func(p *probe) {
		_, err := p.c.Enable(p.ctx, imap.CapQResync)
		p.check(err)
		since := p.openModSeq(3)
		p.check(p.witness().Expunge(2))
		p.rows(imap.SetOfRange[imap.UID](1, 0), &imap.FetchOptions{Items: imap.ItemFlags, ChangedSince: since, Vanished: true})
		p.hears("VANISHED (EARLIER) 2", func(r imap.Response) bool {
			v, ok := r.(*imap.Vanished)
			return ok && v.UIDs.Contains(2) && !v.UIDs.Contains(3)
		})
	}},
	{name: "FETCH (PARTIAL)", needs: "PARTIAL", covers: "Fetch", run: func(p *probe) {
		p.open(5)
		rows := p.rows(imap.SetOfRange[imap.UID](1, 0), &imap.FetchOptions{Items: imap.ItemFlags, Partial: &imap.PartialRange{First: -1, Last: -2}})
		want(p, "rows", len(rows), 2)
	}},
	{name: "FETCH PREVIEW", needs: "PREVIEW", covers: "Fetch", run: func(p *probe) {
		p.open(2)
		m := p.one(2, &imap.FetchOptions{Items: imap.ItemPreview})
		want(p, "preview", strings.Contains(m.More.Preview, "this is number 2"), true)
	}, odd: odd{cyrusName: {"preview: false", "PREVIEW is always NIL: the text would have to be put there by JMAP"}}},
	{name: "previews made on this side", covers: "Previews", run: func(p *probe) {
		p.attachment()
		for preview, err := range p.c.Previews(p.ctx, imap.UIDs(1), &imapclient.PreviewOptions{OwnText: true}) {
			p.check(err)
			want(p, "preview", preview.Text, "the plan")
		}
	}},
	{name: "FETCH EMAILID, THREADID", needs: "OBJECTID", covers: "Fetch", run: func(p *probe) {
		p.open(2)
		m := p.one(2, &imap.FetchOptions{Items: imap.ItemEmailID | imap.ItemThreadID})
		if m.More == nil || m.More.EmailID == "" {
			p.failf("no EMAILID: %+v", m)
		}
		p.sees("FETCH 2 EMAILID", m.More.EmailID)
	}},
	{name: "FETCH SAVEDATE", needs: "SAVEDATE", covers: "Fetch", run: func(p *probe) {
		p.open(1)
		m := p.one(1, &imap.FetchOptions{Items: imap.ItemSaveDate})
		if m.More == nil || time.Since(m.More.SaveDate) > 10*time.Minute {
			p.failf("saved at %+v", m.More)
		}
	}},
	{name: "FETCH ANNOTATION, STORE ANNOTATION", needs: "ANNOTATE-EXPERIMENT-1", covers: "Fetch Store", run: func(p *probe) {
		p.open(2)
		_, err := p.c.Store(p.ctx, imap.UIDs(2), &imap.StoreOptions{Annotations: []imap.Annotation{{Entry: "/comment", Values: []imap.Attribute{{Name: "value.priv", Value: "mine"}}}}})
		p.check(err)
		m := p.one(2, &imap.FetchOptions{Items: imap.ItemAnnotations, AnnotationEntries: []string{"/comment"}, AnnotationAttributes: []string{"value"}})
		if m.More == nil || len(m.More.Annotations) != 1 || !slices.ContainsFunc(m.More.Annotations[0].Values, func(a imap.Attribute) bool { return a.Value == "mine" }) {
			p.failf("annotations %+v", m.More)
		}
		p.sees(`FETCH 2 (ANNOTATION ("/comment" "value.priv"))`, "mine")
	}},
	{name: "STORE flags and keywords", covers: "Store", run: func(p *probe) {
		p.open(2)
		store := func(mode imap.StoreMode, silent bool, flags ...imap.Flag) {
			_, err := p.c.Store(p.ctx, imap.UIDs(1), &imap.StoreOptions{Mode: mode, Silent: silent, Flags: flags})
			p.check(err)
		}
		store(imap.StoreAdd, false, imap.FlagSeen, "$Work")
		p.hears("the flags", func(r imap.Response) bool {
			m, ok := r.(*imap.Message)
			return ok && imap.HasFlag(m.Flags, "$Work")
		})
		p.sees("FETCH 1 FLAGS", `\Seen`, "$Work")
		store(imap.StoreRemove, true, imap.FlagSeen)
		p.misses("FETCH 1 FLAGS", `\Seen`)
		store(imap.StoreReplace, true, imap.FlagAnswered)
		p.sees("FETCH 1 FLAGS", `\Answered`)
		p.misses("FETCH 1 FLAGS", "$Work")
		p.misses("FETCH 2 FLAGS", `\Answered`)
	}},
	{name: "STORE by sequence number", covers: "Store", run: func(p *probe) {
		p.open(2)
		_, err := p.c.Store(p.ctx, imap.SetOf[imap.SeqNum](2), &imap.StoreOptions{Mode: imap.StoreAdd, Silent: true, Flags: []imap.Flag{imap.FlagFlagged}})
		p.check(err)
		p.sees("FETCH 2 FLAGS", `\Flagged`)
		p.misses("FETCH 1 FLAGS", `\Flagged`)
	}},
	{name: "STORE (UNCHANGEDSINCE)", needs: "CONDSTORE", covers: "Store", run: func(p *probe) {
		before := p.openModSeq(3)
		p.change(`STORE 2 +FLAGS.SILENT (\Flagged)`)
		done, err := p.c.Store(p.ctx, imap.UIDs(1, 2, 3), &imap.StoreOptions{Mode: imap.StoreAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}, UnchangedSince: before})
		p.check(err)
		want(p, "left out", done.Modified.String(), "2")
		p.sees("FETCH 1 FLAGS", `\Seen`)
		p.misses("FETCH 2 FLAGS", `\Seen`)
	}},
	{name: "COPY", covers: "Copy", run: func(p *probe) {
		p.open(3)
		p.raw(`CREATE "` + p.box("Copies") + `"`)
		done, err := p.c.Copy(p.ctx, imap.UIDs(1, 3), p.box("Copies"))
		p.check(err)
		p.sees(`STATUS "`+p.box("Copies")+`" (MESSAGES)`, "MESSAGES 2")
		want(p, "left", p.uids(), "[1 2 3]")
		box := p.choose(p.box("Copies"), nil)
		want(p, "UIDVALIDITY", done.UIDValidity, box.UIDValidity)
		uid, ok := done.UIDs.Dest(3)
		want(p, "UID 3 went somewhere", ok, true)
		want(p, "subject of the copy", p.one(uid, &imap.FetchOptions{Items: imap.ItemEnvelope}).Envelope.Subject, "message 3")
	}},
	{name: "COPY to nowhere says TRYCREATE", covers: "Copy", run: func(p *probe) {
		p.open(1)
		_, err := p.c.Copy(p.ctx, imap.UIDs(1), p.box("nowhere"))
		status, ok := err.(*imap.StatusError)
		if !ok {
			p.failf("COPY to nowhere: %v", err)
		}
		want(p, "code", status.Status.HasCode("TRYCREATE"), true)
	}},
	{name: "MOVE", needs: "MOVE|IMAP4rev2", covers: "Move", run: func(p *probe) {
		p.open(3)
		p.raw(`CREATE "` + p.box("Moved") + `"`)
		p.change(`STORE 3 +FLAGS.SILENT (\Deleted)`) // somebody else's: must stay
		done, err := p.c.Move(p.ctx, imap.UIDs(1, 2), p.box("Moved"), nil)
		p.check(err)
		want(p, "left", p.uids(), "[3]")
		p.sees(`STATUS "`+p.box("Moved")+`" (MESSAGES)`, "MESSAGES 2")
		box := p.choose(p.box("Moved"), nil)
		want(p, "UIDVALIDITY", done.UIDValidity, box.UIDValidity)
		uid, _ := done.UIDs.Dest(2)
		m := p.one(uid, &imap.FetchOptions{Items: imap.ItemEnvelope | imap.ItemFlags})
		want(p, "subject", m.Envelope.Subject, "message 2")
		want(p, "deleted", imap.HasFlag(m.Flags, imap.FlagDeleted), false)
	}},
	{name: "EXPUNGE", covers: "Expunge", run: func(p *probe) {
		p.open(3)
		p.change(`STORE 1,3 +FLAGS.SILENT (\Deleted)`)
		p.check(p.c.Expunge(p.ctx))
		want(p, "left", p.uids(), "[2]")
	}},
	{name: "UID EXPUNGE", needs: "UIDPLUS|IMAP4rev2", covers: "ExpungeUIDs", run: func(p *probe) {
		p.open(3)
		p.change(`STORE 1,3 +FLAGS.SILENT (\Deleted)`)
		p.check(p.c.ExpungeUIDs(p.ctx, imap.UIDs(1, 2)))
		want(p, "left", p.uids(), "[2 3]")
	}},
	{name: "APPEND with flags and date", covers: "Append", run: func(p *probe) {
		p.seed(1)
		date := time.Date(2020, 2, 3, 4, 5, 6, 0, time.FixedZone("", 2*3600))
		text := letter(2)
		done, err := p.c.Append(p.ctx, "INBOX", bytes.NewReader(text), int64(len(text)), &imapclient.AppendOptions{Flags: []imap.Flag{imap.FlagSeen, "$Work"}, InternalDate: date})
		p.check(err)
		want(p, "UID", done.UID, imap.UID(2))
		box := p.choose("INBOX", nil)
		want(p, "UIDVALIDITY", done.UIDValidity, box.UIDValidity)
		m := p.one(2, &imap.FetchOptions{Items: imap.ItemsFast})
		want(p, "date", m.InternalDate.UTC(), date.UTC())
		want(p, "flags", imap.HasFlag(m.Flags, imap.FlagSeen) && imap.HasFlag(m.Flags, "$Work"), true)
		p.sees("FETCH 2 BODY.PEEK[]", "this is number 2")
	}},
	{name: "APPEND, several messages", needs: "MULTIAPPEND", covers: "AppendMessages", run: func(p *probe) {
		done, err := p.c.AppendMessages(p.ctx, "INBOX", imap.AppendMessage{Data: letter(1)}, imap.AppendMessage{Data: letter(2), Flags: []imap.Flag{imap.FlagFlagged}})
		p.check(err)
		want(p, "UIDs", []imap.UID{done[0].UID, done[1].UID}, []imap.UID{1, 2})
		p.sees("FETCH 2 (FLAGS BODY.PEEK[])", `\Flagged`, "this is number 2")
		p.misses("FETCH 1 FLAGS", `\Flagged`)
	}},
	{name: "APPEND CATENATE", needs: "CATENATE", covers: "AppendMessages", run: func(p *probe) {
		box := p.open(1)
		url := fmt.Sprintf("/INBOX;UIDVALIDITY=%d/;UID=1/;SECTION=TEXT", box.UIDValidity)
		_, err := p.c.AppendMessages(p.ctx, "INBOX", imap.AppendMessage{Parts: []imap.CatenatePart{{Data: []byte("Subject: put together\r\n\r\n")}, {URL: url}}})
		p.check(err)
		p.sees("FETCH 2 BODY.PEEK[]", "put together", "this is number 1")
	}},
	{name: "APPEND, binary", needs: "BINARY", covers: "AppendMessages", run: func(p *probe) {
		_, err := p.c.AppendMessages(p.ctx, "INBOX", imap.AppendMessage{
			Binary: true,
			Data:   []byte("Subject: zeros\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\na\x00b\x00c"),
		})
		p.check(err)
		p.choose("INBOX", nil)
		m := p.one(1, &imap.FetchOptions{Sections: []imap.SectionRequest{{Item: imap.SectionItemBinary, Part: []uint32{1}}}})
		want(p, "content", m.Sections[0].Data, "a\x00b\x00c")
	}},
	{name: "APPEND (UTF8)", needs: "ENABLE UTF8=ACCEPT", covers: "AppendMessages", run: func(p *probe) {
		_, err := p.c.Enable(p.ctx, imap.CapUTF8Accept)
		p.check(err)
		_, err = p.c.AppendMessages(p.ctx, "INBOX", imap.AppendMessage{UTF8: true, Data: []byte("From: jo@example.org\r\nSubject: Grüße\r\n\r\nx\r\n")})
		p.check(err)
		p.choose("INBOX", nil)
		want(p, "subject", imap.DecodeWords(p.one(1, &imap.FetchOptions{Items: imap.ItemEnvelope}).Envelope.Subject, nil), "Grüße")
	}, odd: odd{courierName: {"NO Error in IMAP command", "APPEND with UTF8 is refused, though UTF8=ACCEPT is enabled"}}},
	{name: "REPLACE", needs: "REPLACE", covers: "Replace", run: func(p *probe) {
		p.open(2)
		p.change(`STORE 1 +FLAGS.SILENT (\Deleted)`) // somebody else's: must stay
		done, err := p.c.Replace(p.ctx, 2, "INBOX", imap.AppendMessage{Data: letter(3), Flags: []imap.Flag{imap.FlagDraft}})
		p.check(err)
		want(p, "UID", done.UID, imap.UID(3))
		want(p, "left", p.uids(), "[1 3]")
		p.sees("UID FETCH 3 (FLAGS BODY.PEEK[])", `\Draft`, "this is number 3")
	}},
	{name: "APPEND to nowhere says TRYCREATE", covers: "Append", run: func(p *probe) {
		_, err := p.c.Append(p.ctx, p.box("nowhere"), bytes.NewReader(letter(1)), int64(len(letter(1))), nil)
		status, ok := err.(*imap.StatusError)
		if !ok {
			p.failf("APPEND to nowhere: %v", err)
		}
		want(p, "code", status.Status.HasCode("TRYCREATE"), true)
		p.check(p.c.Noop(p.ctx)) // the connection goes on
	}},
}

// attachment puts a message with an attachment into INBOX and selects it.
func (p *probe) attachment() {
	text := "From: jo@example.org\r\nSubject: plan\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nthe plan\r\n" +
		"--b\r\nContent-Type: application/octet-stream; name=plan.bin\r\nContent-Disposition: attachment; filename=plan.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECYmluYXJ5\r\n--b--\r\n"
	_, err := p.witness().Append("INBOX", []byte(text))
	p.check(err)
	p.choose("INBOX", nil)
}
