package imapclient

import (
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
	"github.com/pushmail/pushmail/imapwire"
)

func fetchUID(e *imapwire.Command) { e.Fetch(&imap.FetchOptions{Items: imap.ItemUID}) }

// many are n UIDs without neighbours, from first on.
func many(first imap.UID, n int) imap.UIDSet {
	var s imap.UIDSet
	for i := range n {
		s.Add(first + imap.UID(2*i))
	}
	return s
}

func parseUIDs(t *testing.T, text string) imap.UIDSet {
	t.Helper()
	s, err := imap.ParseSet[imap.UID](text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASetIsCutToTheServersLimits(t *testing.T) {
	const sixes = "P4294967295 UID FETCH 1000,2000,3000,4000,5000,6000 (UID)\r\n"
	for _, tt := range []struct {
		name    string
		command string
		set     string
		caps    string
		line    int
		want    string // pieces
	}{
		{"fits", "UID FETCH", "1:4,7", "", 8000, "1:4,7"},
		{"nothing", "UID FETCH", "", "", 8000, ""},
		{"does not fit", "UID FETCH", "1000,2000,3000,4000,5000,6000", "", len(sixes) - 1, "1000,2000,3000,4000,5000 6000"},
		{"just fits", "UID FETCH", "1000,2000,3000,4000,5000,6000", "", len(sixes) + 1, "1000,2000,3000,4000,5000,6000"},
		{"much too short", "UID FETCH", "1000000000:2000000000,3000000000:4000000000", "", 10, "1000000000:2000000000 3000000000:4000000000"},
		{"a limit of messages does not cut what can be continued", "UID FETCH", "1:2500", "MESSAGELIMIT=1000", 8000, "1:2500"},
		{"COPY", "UID COPY", "1:2500", "MESSAGELIMIT=1000", 8000, "1:1000 1001:2000 2001:2500"},
		{"COPY of exactly the limit", "UID COPY", "1:999,2000", "MESSAGELIMIT=1000", 8000, "1:999,2000"},
		{"COPY in the middle of ranges", "UID COPY", "1:600,701:1300,2000", "MESSAGELIMIT=1000", 8000, "1:600,701:1100 1101:1300,2000"},
		{"COPY of an open range", "UID COPY", "5,9:*", "MESSAGELIMIT=1000", 8000, "5 9:*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{MaxCommandLine: tt.line}
			c := newConn(nil, o.resolved())
			c.setCapabilities(imap.ParseCapabilities(tt.caps))
			rest := fetchUID
			if strings.HasSuffix(tt.command, "COPY") {
				rest = nil
			}
			p, err := c.pieces(tt.command, parseUIDs(t, tt.set), rest)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for p.next() {
				got = append(got, p.piece.String())
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("%s %s: got %q, want %q", tt.command, tt.set, g, tt.want)
			}
		})
	}
}

func TestPiecesCoverTheSetInOrder(t *testing.T) {
	o := Options{}
	c := newConn(nil, o.resolved())
	set := many(1, 20_000)
	p, err := c.pieces("UID FETCH", set, fetchUID)
	if err != nil {
		t.Fatal(err)
	}
	var all imap.UIDSet
	n := 0
	for p.next() {
		n++
		if !all.Intersect(p.piece).Empty() {
			t.Fatalf("piece %d holds UIDs that were sent before", n)
		}
		all = all.Union(p.piece)
		if size := len("P4294967295 UID FETCH  (UID)\r\n") + len(p.piece.String()); size > 8000 {
			t.Errorf("piece %d makes a line of %d bytes", n, size)
		}
	}
	if !all.Equal(set) || n < 2 {
		t.Errorf("%d pieces with %d UIDs, want %d UIDs", n, all.Len(), set.Len())
	}
}

func TestALongSetOfSequenceNumbersIsRefused(t *testing.T) {
	o := Options{}
	c := newConn(nil, o.resolved())
	var seqs imap.SeqSet
	for n := imap.SeqNum(1); len(seqs) < 3000; n += 2 {
		seqs.Add(n)
	}
	_, err := c.pieces("FETCH", seqs, fetchUID)
	if err == nil || !strings.Contains(err.Error(), "use UIDs") || !SafeToRetry(err) {
		t.Errorf("error %v, want one that advises UIDs", err)
	}
}

func TestCommandsGoOnWhereTheServerStopped(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		set          string
		want         string // what done saw
		err          string // part of the error, "" for none
		left         string // of a PartialError
	}{
		{"one command", `
			C: {a} UID STORE 1:5 +FLAGS (\Seen)
			S: {a} OK done
		`, "1:5", "OK", "", ""},
		{"continued below the last UID", `
			C: {a} UID STORE 1:2500,3000 +FLAGS (\Seen)
			S: {a} OK [MESSAGELIMIT 1000 1502] first
			C: {b} UID STORE 1:1501 +FLAGS (\Seen)
			S: {b} OK [MESSAGELIMIT 1000 502] second
			C: {c} UID STORE 1:501 +FLAGS (\Seen)
			S: {c} OK third
		`, "1:2500,3000", "OK OK OK", "", ""},
		{"all was done after all", `
			C: {a} UID STORE 5:6 +FLAGS (\Seen)
			S: {a} OK [MESSAGELIMIT 2 5] done
		`, "5:6", "OK", "", ""},
		{"fails later", `
			C: {a} UID STORE 1:9 +FLAGS (\Seen)
			S: {a} OK [MESSAGELIMIT 3 7] first
			C: {b} UID STORE 1:6 +FLAGS (\Seen)
			S: {b} NO later
		`, "1:9", "OK NO", "UID STORE was carried out in part: UID STORE: server said NO later", "1:6"},
		{"fails at once", `
			C: {a} UID STORE 1:9 +FLAGS (\Seen)
			S: {a} NO never
		`, "1:9", "NO", "UID STORE: server said NO never", ""},
		{"the server does not say where it stopped", `
			C: {a} UID STORE 1:9 +FLAGS (\Seen)
			S: {a} OK [MESSAGELIMIT 3] first
		`, "1:9", "OK", "did not say where", "1:9"},
		{"the server goes round in circles", `
			C: {a} UID STORE 1:9 +FLAGS (\Seen)
			S: {a} OK [MESSAGELIMIT 3 12] first
		`, "1:9", "OK", "did not say where", "1:9"},
		{"the connection is lost between", `
			C: {a} UID STORE 1:9 +FLAGS (\Seen)
			S: * BYE tired
			S: {a} OK [MESSAGELIMIT 3 7] first
			C: {b} UID STORE 1:6 +FLAGS (\Seen)
			close
		`, "1:9", "OK", "UID STORE was carried out in part: connection closed", "1:6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			imaptest.Transcript(t, "S: * PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS] hello\n"+tt.script, func(t *testing.T, nc net.Conn) {
				c, err := New(t.Context(), nc, &Options{Security: InsecurePlaintext, AllowPreauth: true})
				if err != nil {
					t.Error(err)
					return
				}
				var done []string
				err = c.execPieces(t.Context(), "UID STORE", parseUIDs(t, tt.set), func(e *imapwire.Command) {
					e.Store(&imap.StoreOptions{Mode: imap.StoreAdd, Flags: []imap.Flag{imap.FlagSeen}})
				}, nil, func(cmd *command) { done = append(done, cmd.status.Kind.String()) })
				if got := strings.Join(done, " "); got != tt.want {
					t.Errorf("done saw %q, want %q", got, tt.want)
				}
				if (tt.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				var part *PartialError
				if errors.As(err, &part); part != nil && part.Left.String() != tt.left {
					t.Errorf("left %v, want %q", part.Left, tt.left)
				}
				if tt.left != "" && (part == nil || SafeToRetry(err)) {
					t.Errorf("error %#v (safe to retry: %v), want a PartialError that is not", err, SafeToRetry(err))
				}
			})
		})
	}
}
