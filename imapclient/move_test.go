package imapclient_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

func TestCopy(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		set          imap.NumSet
		want         string
	}{
		{"UIDs", `C: {c} UID COPY 304,319:320 Archive
			S: {c} OK [COPYUID 38505 304,319:320 3956:3958] done`, imap.UIDs(304, 319, 320), "38505 [{304 3956 1} {319 3957 2}] false <nil>"},
		{"sequence numbers", `C: {c} COPY 2:4 Archive
			S: {c} OK [COPYUID 38505 304,319:320 3956:3958] done`, imap.SetOfRange[imap.SeqNum](2, 4), "38505 [{304 3956 1} {319 3957 2}] false <nil>"},
		{"saved result", `C: {c} UID COPY $ Archive
			S: {c} OK done`, imap.SavedResult{UID: true}, "0 [] false <nil>"},
		{"in another order", `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 3,1:2 10:12] done`, imap.SetOfRange[imap.UID](1, 3), "5 [{1 11 2} {3 10 1}] false <nil>"},
		{"untagged", `C: {c} UID COPY 1 Archive
			S: * OK [COPYUID 5 1 10] done
			S: {c} OK done`, imap.UIDs(1), "5 [{1 10 1}] false <nil>"},
		{"said twice", `C: {c} UID COPY 1 Archive
			S: * OK [COPYUID 5 1 10] done
			S: {c} OK [COPYUID 5 1 10] done`, imap.UIDs(1), "5 [{1 10 1}] false <nil>"},
		{"sizes that differ", `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 1:3 10:11] done`, imap.SetOfRange[imap.UID](1, 3), "0 [] true <nil>"},
		{"all there can be", `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 1:4294967294 2:4294967295] done`, imap.SetOfRange[imap.UID](1, 3), "5 [{1 2 4294967294}] false <nil>"},
		{"Outlook.com copied nothing", `C: {c} UID COPY 9 Archive
			S: {c} OK [COPYUID 5 ] done`, imap.UIDs(9), "0 [] false <nil>"},
		{"no such mailbox", `C: {c} UID COPY 1 Archive
			S: {c} NO [TRYCREATE] No such mailbox`, imap.UIDs(1), "0 [] false UID COPY: server said NO [TRYCREATE] No such mailbox"},
		{"nothing to copy", "", imap.UIDSet{}, "0 [] false COPY: argument 1, message set: is empty"},
		{"nothing at all", "", nil, "0 [] false COPY: argument 1, message set: is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sessionWith(t, "", tt.script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				done, err := c.Copy(ctx, tt.set, "Archive")
				if got := fmt.Sprint(done.UIDValidity, done.UIDs, done.Unclear, err); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
				if s, ok := errors.AsType[*imap.StatusError](err); ok != strings.Contains(tt.script, " NO ") || ok && !s.HasCode(imap.CodeTryCreate) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestMove(t *testing.T) {
	const plus, none = "", "UIDPLUS" // what the server lacks besides MOVE
	for _, tt := range []struct {
		name, lacks, script string
		set                 imap.NumSet
		leave               bool
		want                string // the map, what is left, and a part of the error
	}{
		{"MOVE", "", `C: {c} UID MOVE 1:3 Archive
			S: * OK [COPYUID 5 1:3 10:12] Moved
			S: * VANISHED 1:3
			S: {c} OK [HIGHESTMODSEQ 7] done`, imap.SetOfRange[imap.UID](1, 3), false, "[{1 10 3}]  "},
		{"MOVE by number", "", `C: {c} MOVE 1:2 Archive
			S: * OK [COPYUID 5 1:2 10:11] Moved
			S: * 1 EXPUNGE
			S: * 1 EXPUNGE
			S: {c} OK done`, imap.SetOf[imap.SeqNum](1, 2), false, "[{1 10 2}]  "},
		{"MOVE fails in the middle", "", `C: {c} UID MOVE 1:3 Archive
			S: * OK [COPYUID 5 1 10] Moved
			S: * 1 EXPUNGE
			S: {c} NO [OVERQUOTA] Full`, imap.SetOfRange[imap.UID](1, 3), false, "[{1 10 1}]  OVERQUOTA"},

		{"by hand", plus, `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 1,3 10:11] done
			C: {d} UID STORE 1,3 +FLAGS.SILENT (\Deleted)
			S: {d} OK done
			C: {e} UID EXPUNGE 1,3
			S: * 1 EXPUNGE
			S: {e} OK done`, imap.SetOfRange[imap.UID](1, 3), false, "[{1 10 1} {3 11 1}]  "},
		{"by hand, all", plus, `C: {b1} UID FETCH 1:* (UID)
			S: * 1 FETCH (UID 1)
			S: * 2 FETCH (UID 3)
			S: {b1} OK done
			C: {c} UID COPY 1,3 Archive
			S: {c} OK [COPYUID 5 1,3 10:11] done
			C: {d} UID STORE 1,3 +FLAGS.SILENT (\Deleted)
			S: {d} OK done
			C: {e} UID EXPUNGE 1,3
			S: {e} OK done`, imap.SetOfRange[imap.UID](1, 0), false, "[{1 10 1} {3 11 1}]  "},
		{"by hand, a server that copied more than it was asked for", plus, `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 1:9 10:18] done
			C: {d} UID STORE 1:3 +FLAGS.SILENT (\Deleted)
			S: {d} OK done
			C: {e} UID EXPUNGE 1:3
			S: {e} OK done`, imap.SetOfRange[imap.UID](1, 3), false, "[{1 10 9}]  "},
		{"by hand, nothing there", plus, `C: {c} UID COPY 8:9 Archive
			S: {c} OK no matching messages
			C: {d} UID FETCH 8:9 (UID)
			S: {d} OK done`, imap.UIDs(8, 9), false, "[]  "},
		{"by hand, a server that does not say", plus, `C: {c} UID COPY 1:3 Archive
			S: {c} OK done
			C: {d} UID FETCH 1:3 (UID)
			S: * 1 FETCH (UID 1)
			S: {d} OK done`, imap.SetOfRange[imap.UID](1, 3), false, "[]  did not say which"},
		{"by hand, sizes that differ", plus, `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 1:3 10:11] done`, imap.SetOfRange[imap.UID](1, 3), false, "[]  did not say which"},
		{"by hand, other messages than asked for", plus, `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 7:8 10:11] done`, imap.SetOfRange[imap.UID](1, 3), false, "[{7 10 2}]  did not say which"},
		{"by hand, refused", plus, `C: {c} UID COPY 1:3 Archive
			S: {c} NO [TRYCREATE] no`, imap.SetOfRange[imap.UID](1, 3), false, "[]  TRYCREATE"},
		{"by hand, STORE refused", plus, `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 1:3 10:12] done
			C: {d} UID STORE 1:3 +FLAGS.SILENT (\Deleted)
			S: {d} NO [NOPERM] no`, imap.SetOfRange[imap.UID](1, 3), false, "[{1 10 3}]  in steps ended after COPY"},
		{"by hand, somebody was faster", plus, `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 1:3 10:12] done
			C: {d} UID STORE 1:3 +FLAGS.SILENT (\Deleted)
			S: {d} NO [EXPUNGEISSUED] gone
			C: {e} NOOP
			S: * 1 EXPUNGE
			S: {e} OK done
			C: {f} UID STORE 1:3 +FLAGS.SILENT (\Deleted)
			S: {f} OK done
			C: {g} UID EXPUNGE 1:3
			S: {g} OK done`, imap.SetOfRange[imap.UID](1, 3), false, "[{1 10 3}]  "},
		{"by hand, EXPUNGE refused", plus, `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 1:3 10:12] done
			C: {d} UID STORE 1:3 +FLAGS.SILENT (\Deleted)
			S: {d} OK done
			C: {e} UID EXPUNGE 1:3
			S: {e} NO no`, imap.SetOfRange[imap.UID](1, 3), false, "[{1 10 3}] 1:3 in steps ended after STORE"},
		{"by hand, cut off", plus, `C: {c} UID COPY 1:3 Archive
			S: {c} OK [COPYUID 5 1:3 10:12] done
			C: {d} UID STORE 1:3 +FLAGS.SILENT (\Deleted)
			close`, imap.SetOfRange[imap.UID](1, 3), false, "[{1 10 3}]  in steps ended after COPY"},
		{"by hand, by number", plus, ``, imap.SetOf[imap.SeqNum](1), false, "[]  does not offer MOVE"},
		{"by hand, the last one", plus, ``, imap.UIDs(0), false, "[]  does not offer MOVE"},

		{"neither MOVE nor UIDPLUS", none, ``, imap.UIDs(1), false, "[]  does not offer MOVE"},
		{"left behind", none, `C: {c} UID FETCH 1:4 (UID)
			S: * 1 FETCH (UID 1)
			S: * 2 FETCH (UID 3)
			S: * 7 FETCH (UID 8 FLAGS ())
			S: {c} OK done
			C: {d} UID COPY 1,3 Archive
			S: {d} OK done
			C: {e} UID STORE 1,3 +FLAGS.SILENT (\Deleted)
			S: {e} OK done`, imap.SetOfRange[imap.UID](1, 4), true, "[] 1,3 "},
		{"left behind, nothing there", none, `C: {c} UID FETCH 1:4 (UID)
			S: {c} OK done`, imap.SetOfRange[imap.UID](1, 4), true, "[]  "},
		{"left behind, refused", none, `C: {c} UID FETCH 1:4 (UID)
			S: * 1 FETCH (UID 1)
			S: {c} OK done
			C: {d} UID COPY 1 Archive
			S: {d} NO no`, imap.SetOfRange[imap.UID](1, 4), true, "[]  UID COPY: server said NO"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := plain()
			caps := ""
			if strings.HasPrefix(tt.name, "MOVE") {
				caps = "MOVE"
			}
			if tt.lacks != "" {
				o.MaskCapabilities = []imap.Capability{imap.Capability(tt.lacks)}
			}
			sessionWith(t, caps, tt.script, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				m, err := c.Move(ctx, tt.set, "Archive", &imapclient.MoveOptions{LeaveDeleted: tt.leave})
				got := fmt.Sprint(m.UIDs, " ", m.LeftDeleted, " ")
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
}

func TestMoveByHandInAReadOnlyMailbox(t *testing.T) {
	session(t, "", nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		if _, err := c.Move(ctx, imap.UIDs(1), "Archive", nil); !errors.Is(err, imapclient.ErrReadOnly) || !imapclient.SafeToRetry(err) {
			t.Errorf("error %v", err)
		}
	})
}

func TestStore(t *testing.T) {
	add := &imap.StoreOptions{Mode: imap.StoreAdd, Flags: []imap.Flag{imap.FlagSeen, "$Work"}, UnchangedSince: 12121230045}
	for _, tt := range []struct {
		name, script string
		set          imap.NumSet
		o            *imap.StoreOptions
		want         string
	}{
		{"conditional", `C: {c} UID STORE 7:9 (UNCHANGEDSINCE 12121230045) +FLAGS (\Seen $Work)
			S: * 1 FETCH (UID 8 MODSEQ (12121231000))
			S: {c} OK [MODIFIED 7,9] Conditional STORE failed`, imap.SetOfRange[imap.UID](7, 9), add, "7,9  <nil>"},
		{"conditional, by number", `C: {c} STORE 1:3 (UNCHANGEDSINCE 12121230045) +FLAGS (\Seen $Work)
			S: {c} OK [MODIFIED 2] Conditional STORE failed`, imap.SetOfRange[imap.SeqNum](1, 3), add, " 2 <nil>"},
		{"all have changed", `C: {c} UID STORE 7 (UNCHANGEDSINCE 12121230045) +FLAGS (\Seen $Work)
			S: {c} NO [MODIFIED 7] none`, imap.UIDs(7), add, "7  UID STORE: server said NO [MODIFIED 7] none"},
		{"labels", `C: {c} UID STORE 7 -X-GM-LABELS.SILENT (\Inbox "Gr&APw-n")
			S: {c} OK done`, imap.UIDs(7), &imap.StoreOptions{Mode: imap.StoreRemove, Silent: true, Labels: []string{`\Inbox`, "Grün"}}, "  <nil>"},
		{"no label any more", `C: {c} UID STORE 7 X-GM-LABELS ()
			S: {c} OK done`, imap.UIDs(7), &imap.StoreOptions{Labels: []string{}}, "  <nil>"},
		{
			"annotation", `C: {c} UID STORE 7 ANNOTATION (/comment (value.shared "My new comment"))
			S: {c} OK done`, imap.UIDs(7),
			&imap.StoreOptions{Annotations: []imap.Annotation{{Entry: "/comment", Values: []imap.Attribute{{Name: "value.shared", Value: "My new comment"}}}}}, "  <nil>",
		},
		{"flags cleared", `C: {c} UID STORE $ FLAGS ()
			S: {c} OK done`, imap.SavedResult{UID: true}, &imap.StoreOptions{}, "  <nil>"},
		{"no message", "", imap.UIDSet{}, add, "  STORE: argument 1, message set: is empty"},
		{"no options", "", imap.UIDs(1), nil, "  STORE: argument 2, options: are missing"},
		{"no flag", "", imap.UIDs(1), &imap.StoreOptions{Flags: []imap.Flag{"a b"}}, "  UID STORE: argument 3, flag: is no flag or keyword"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sessionWith(t, "X-GM-EXT-1 ANNOTATE-EXPERIMENT-1", tt.script, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
				s, err := c.Store(ctx, tt.set, tt.o)
				if got := fmt.Sprint(s.Modified, " ", s.ModifiedSeq, " ", err); got != tt.want {
					t.Errorf("got  %q\nwant %q", got, tt.want)
				}
				if tt.script == "" && !imapclient.SafeToRetry(err) {
					t.Errorf("%v is not safe to retry", err)
				}
			})
		})
	}
}

// What needs an extension is refused before anything is sent.
func TestExtensionsOfMessagesThatAreMissing(t *testing.T) {
	o := plain()
	o.MaskCapabilities = []imap.Capability{imap.CapUIDPlus, imap.CapCondStore}
	session(t, "", o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		fetch := func(o *imap.FetchOptions) error {
			for _, err := range c.Fetch(ctx, imap.UIDs(7), o) {
				return err
			}
			return nil
		}
		store := func(o *imap.StoreOptions) error {
			_, err := c.Store(ctx, imap.UIDs(7), o)
			return err
		}
		for needs, err := range map[imap.Capability]error{
			imap.CapCondStore: errors.Join(fetch(&imap.FetchOptions{Items: imap.ItemModSeq}), fetch(&imap.FetchOptions{ChangedSince: 7}), store(&imap.StoreOptions{UnchangedSince: 3})),
			imap.CapObjectID:  errors.Join(fetch(&imap.FetchOptions{Items: imap.ItemEmailID}), fetch(&imap.FetchOptions{Items: imap.ItemThreadID})),
			imap.CapSaveDate:  fetch(&imap.FetchOptions{Items: imap.ItemSaveDate}),
			imap.CapPreview:   fetch(&imap.FetchOptions{Items: imap.ItemPreview, PreviewLazy: true}),
			imap.CapGmail:     errors.Join(fetch(&imap.FetchOptions{Items: imap.ItemGmailLabels}), fetch(&imap.FetchOptions{Items: imap.ItemGmailMsgID | imap.ItemGmailThreadID}), store(&imap.StoreOptions{Labels: []string{"x"}})),
			imap.CapAnnotate:  errors.Join(fetch(&imap.FetchOptions{Items: imap.ItemAnnotations}), store(&imap.StoreOptions{Annotations: []imap.Annotation{{Entry: "/x"}}})),
			imap.CapBinary:    fetch(&imap.FetchOptions{Sections: []imap.SectionRequest{{}, {Item: imap.SectionItemBinarySize}}}),
			imap.CapPartial:   fetch(&imap.FetchOptions{Partial: &imap.PartialRange{First: 1, Last: 2}}),
			imap.CapUIDPlus:   c.ExpungeUIDs(ctx, imap.UIDs(7)),
		} {
			if missing, ok := errors.AsType[*imapclient.UnsupportedError](err); !ok || missing.Capability != needs {
				t.Errorf("%s: error %v", needs, err)
			}
		}
		if got := c.Supported(imap.ItemUID | imap.ItemModSeq | imap.ItemPreview | imap.ItemEmailID | imap.ItemFlags); got != imap.ItemUID|imap.ItemFlags {
			t.Errorf("supported: %b", got)
		}
	})
}

// A set that is too long for a line goes out in parts, and what they say is put together.
func TestLongSetsOfMessages(t *testing.T) {
	var uids imap.UIDSet
	for u := imap.UID(1); u < 40; u += 2 {
		uids.Add(u)
	}
	o := plain()
	o.MaxCommandLine = 60
	sessionWith(t, "MOVE", `
		C: {c} UID COPY {s1} Archive
		S: {c} OK [COPYUID 5 1,3 10:11] done
		C: {d} UID COPY {s2} Archive
		S: {d} OK [COPYUID 5 35,37 20:21] done
		C: {e} UID STORE {s3} +FLAGS.SILENT (\Seen)
		S: {e} OK [MODIFIED 3] done
		C: {f} UID STORE {s4} +FLAGS.SILENT (\Seen)
		S: {f} OK [MODIFIED 37] done
		C: {g} UID STORE {s5} +FLAGS.SILENT (\Seen)
		S: {g} NO no more
	`, o, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		done, err := c.Copy(ctx, uids, "Archive")
		if got := fmt.Sprint(done.UIDs, err); got != "[{1 10 1} {3 11 1} {35 20 1} {37 21 1}] <nil>" {
			t.Error(got)
		}
		s, err := c.Store(ctx, uids, &imap.StoreOptions{Mode: imap.StoreAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}})
		part, ok := errors.AsType[*imapclient.PartialError](err)
		if s.Modified.String() != "3,37" || !ok || !part.Done.Union(part.Left).Equal(uids) || part.Done.Empty() || part.Left.Empty() {
			t.Errorf("%v, %v", s.Modified, err)
		}
	})
}
