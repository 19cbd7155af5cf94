package imapwire

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

var update = flag.Bool("update", false, "write testdata/quirks.txt anew; read the difference before you commit it")

// quirkFile has cases in blocks: "== name", then for each case a line as a server sent it, and after
// "-> " what it means. ⏎ stands for CRLF, ⇥ for a tab.
const quirkFile = "testdata/quirks.txt"

var quirkChars = strings.NewReplacer("⏎", "\r\n", "⇥", "\t")

// brief is a response as JSON without what is zero.
func brief(r imap.Response) string {
	b, err := json.Marshal(r)
	if err != nil {
		return err.Error()
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err.Error()
	}
	b, _ = json.Marshal(prune(v))
	return fmt.Sprintf("%T%s", r, b)
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e = prune(e); e == nil {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" || v == "0001-01-01T00:00:00Z" {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}

// read frames and decodes all of in, and shows what came out.
func read(in string, opts *Options) (shown string, sound bool) {
	f, d := NewFramer(strings.NewReader(in+"\r\n"), opts), NewDecoder(opts)
	var all []string
	sound = true
	for {
		fr, err := f.Next()
		if err != nil {
			return strings.Join(all, " + "), sound && len(all) == 1
		}
		r, err := d.Decode(fr)
		if err != nil {
			all = append(all, err.Error())
			sound = false
			continue
		}
		all = append(all, brief(r))
		if hasErrs(r) {
			sound = false
		}
	}
}

func TestQuirks(t *testing.T) {
	name := quirkFile
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Quirk]bool{}
	var out strings.Builder
	var quirk Quirk
	var in string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		want, isWant := strings.CutPrefix(line, "-> ")
		block, isBlock := strings.CutPrefix(line, "== ")
		switch {
		case isBlock:
			var ok bool
			if quirk, ok = QuirkByName(block); !ok {
				t.Fatalf("no quirk %q", block)
			}
			seen[quirk] = true
		case isWant:
			got := checkQuirk(t, quirk, quirkChars.Replace(in))
			if got != want && !*update {
				t.Errorf("%v: %q\n got %s\nwant %s", quirk, in, got, want)
			}
			line = "-> " + got
		default:
			in = line
		}
		fmt.Fprintln(&out, line)
	}
	for i := range QuirkTable {
		if q := QuirkTable[i]; q.Quirk != Quirk(i) || !seen[q.Quirk] || q.Name == "" || q.Servers == "" || q.Tolerates == "" {
			t.Errorf("%+v: out of order, without a case, or without words", q)
		}
	}
	if *update {
		if err := os.WriteFile(name, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// checkQuirk reads in, which must be sound with the quirk alone, and something else without it.
func checkQuirk(t *testing.T, q Quirk, in string) string {
	t.Helper()
	got, sound := read(in, nil)
	if !sound {
		t.Errorf("%v: %q: not sound: %s", q, in, got)
	}
	if without, _ := read(in, &Options{Quirks: Quirks(q)}); without == got {
		t.Errorf("%v: %q: the same without the quirk: %s", q, in, got)
	}
	return got
}

func TestQuirkNames(t *testing.T) {
	for _, q := range QuirkTable {
		if got, ok := QuirkByName(q.Quirk.String()); !ok || got != q.Quirk {
			t.Error(q)
		}
	}
	if _, ok := QuirkByName("x"); ok || Quirk(200).String() == "" {
		t.Error("unknown quirk")
	}
	if s := Quirks(QuirkDate, QuirkSpaces); !s.Has(QuirkDate) || !s.Has(QuirkSpaces) || s.Has(QuirkNumber) {
		t.Error(s)
	}
}

// What servers do that may look wrong but needs no quirk: the same in the strictest decoder.
func TestWhatNeedsNoTolerance(t *testing.T) {
	for in, want := range map[string]string{
		"* OK [UNSEEN 0] x":                            `*imap.Status{"Code":{"Args":"0","Name":"UNSEEN"},"Kind":1,"Text":"x"}`,
		"* OK [UIDNEXT none] x":                        `*imap.Status{"Code":{"Args":"none","Name":"UIDNEXT"},"Kind":1,"Text":"x"}`,
		"* OK [COPYUID 5 7 3:1] x":                     `*imap.Status{"Code":{"Args":"5 7 3:1","Dest":"1:3","Name":"COPYUID","Source":"7","UIDValidity":5},"Kind":1,"Text":"x"}`,
		"* NO [WEBALERT https://example.org/x] Log in": `*imap.Status{"Code":{"Args":"https://example.org/x","Name":"WEBALERT","Words":["https://example.org/x"]},"Kind":2,"Text":"Log in"}`,
		"* 1 FETCH (MODSEQ (0))":                       `*imap.Message{"Items":128,"SeqNum":1}`,
		"* list (\\hasnochildren \\X \\X) \"/\" Inbox": `*imap.List{"Attrs":["\\HasNoChildren","\\X","\\X"],"Delim":47,"Mailbox":"INBOX"}`,
		"* STATUS NIL (messages 1)":                    `*imap.MailboxStatus{"Items":1,"Mailbox":"NIL","Messages":1}`,
		"* STATUS +Folder (MESSAGES 1)":                `*imap.MailboxStatus{"Items":1,"Mailbox":"+Folder","Messages":1}`,
		"* QUOTA x (STORAGE 98765432101 98765432102)":  `*imap.Quota{"Resources":[{"Limit":98765432102,"Name":"STORAGE","Usage":98765432101}],"Root":"x"}`,
		"* QUOTAROOT INBOX storage=0":                  `*imap.QuotaRoot{"Mailbox":"INBOX","Roots":["storage=0"]}`,
		"* 1 FETCH (XAOL.SPAM.REASON 0)":               `*imap.Message{"More":{"Unknown":[{"Name":"XAOL.SPAM.REASON","Value":"0"}]},"SeqNum":1}`,
		"* 1 FETCH (FLAGS (\\X \\Seen))":               `*imap.Message{"Flags":["\\X","\\Seen"],"Items":2,"SeqNum":1}`,
		"* 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"abel\" NIL)) NIL NIL NIL NIL NIL NIL \"no brackets\"))": `*imap.Message{"Envelope":{"From":[{"Mailbox":"abel"}],"MessageID":"no brackets"},"Items":16,"SeqNum":1}`,
		"* BAD b": `*imap.Status{"Kind":3,"Text":"b"}`,
	} {
		for _, opts := range []*Options{nil, {Quirks: AllQuirks}} {
			if got, sound := read(in, opts); got != want || !sound {
				t.Errorf("%q\n got %s\nwant %s", in, got, want)
			}
		}
	}
}
