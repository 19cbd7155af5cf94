package event_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/event"
)

var update = flag.Bool("update", false, "write testdata and the examples of docs/events.md")

var (
	seenAt   = time.Date(2026, 11, 22, 11, 0, 0, 123_456_789, time.FixedZone("CET", 3600))
	source   = event.SourceURL("jo", "mail.example.org:993", "INBOX")
	ref      = event.Ref{Account: "jo", Mailbox: "INBOX", UIDValidity: 1700000000}
	received = time.Date(2026, 11, 22, 10, 59, 58, 0, time.FixedZone("CET", 3600))
)

func summary() event.Summary {
	return event.Summary{
		InternalDate: received,
		Size:         2301,
		Envelope: &event.Envelope{
			Date:      received,
			Subject:   "Grüße & <Küsse>",
			From:      []event.Address{{Name: "Jo", Address: "jo@example.org"}},
			To:        []event.Address{{Address: "ann@example.org"}},
			ReplyTo:   []event.Address{{Name: "Jo", Address: "jo@example.org"}},
			MessageID: "<42@example.org>",
		},
		Attachments: []event.Attachment{{Filename: "a.pdf", Type: "application/pdf", Size: 1234}},
		Preview:     "first words…",
		EmailID:     "M6d99ac3275bb4e",
		ThreadID:    "T64b478a75b7ea9",
	}
}

// samples has one event of each type: the golden files, and the examples of the manual.
func samples() map[event.Type]event.Data {
	return map[event.Type]event.Data{
		event.TypeMessageNew:     &event.MessageNew{Ref: ref, UID: 42, ModSeq: 715, Flags: []string{`\Recent`}, Summary: summary()},
		event.TypeMessageExpunge: &event.MessageExpunge{Ref: ref, UID: 42, ModSeq: 720, Flags: []string{`\Seen`}, Summary: summary()},
		event.TypeFlagChange: &event.FlagChange{
			Ref: ref, UID: 42, ModSeq: 716, Flags: []string{`\Seen`, "$Junk"}, Added: []string{"$Junk"},
		},
		event.TypeMailboxOpen: &event.MailboxOpen{
			Account: "jo", Mailbox: "INBOX", Exists: 1234, UIDValidity: 1700000000, UIDNext: 43, HighestModSeq: 715,
			Method: event.MethodQResync, Resumed: true, Push: "idle",
		},
		event.TypeMailboxReset: &event.MailboxReset{Ref: ref, Before: 1600000000, Exists: 1234, UIDNext: 1235, HighestModSeq: 1},
		event.TypeMailboxName: &event.MailboxName{
			Account: "jo", Mailbox: "Archive/2026", Change: event.NameRenamed, OldMailbox: "Archive/New",
			Attributes: []string{`\HasNoChildren`}, MailboxID: "F2212ea87-6097-4256-9d51-71338625",
		},
		event.TypeLink: &event.Link{
			Account: "jo", Mailbox: "INBOX", Up: false, Reason: "connection reset by peer", Class: "transient", VerifiedAt: seenAt.Add(-time.Minute),
		},
	}
}

func sample(t testing.TB, typ event.Type) *event.Event {
	t.Helper()
	d, ok := samples()[typ]
	if !ok {
		t.Fatalf("no sample of %s", typ)
	}
	src := source
	if typ == event.TypeMailboxName {
		src = event.SourceURL("jo", "mail.example.org", "Archive/2026")
	}
	return event.New(src, seenAt, d)
}

func goldenPath(typ event.Type) string { return filepath.Join("testdata", string(typ)+".json") }

func encode(t testing.TB, e *event.Event) []byte {
	t.Helper()
	line, err := e.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func indent(t testing.TB, line []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, line, "", "  "); err != nil {
		t.Fatal(err)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func TestGolden(t *testing.T) {
	for _, typ := range event.Types() {
		t.Run(string(typ), func(t *testing.T) {
			line := encode(t, sample(t, typ))
			if bytes.ContainsRune(line, '\n') {
				t.Errorf("more than one line: %s", line)
			}
			got := indent(t, line)
			if *update {
				if err := os.WriteFile(goldenPath(typ), got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(goldenPath(typ))
			if err != nil {
				t.Fatalf("%v (write it with -update)", err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("this is a change for every receiver:\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	for _, typ := range event.Types() {
		line := encode(t, sample(t, typ))
		var e event.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		if e.Type() != typ || reflect.TypeOf(e.Data) != reflect.TypeOf(samples()[typ]) {
			t.Errorf("%s came back as %s, %T", typ, e.Type(), e.Data)
		}
		if again := encode(t, &e); !bytes.Equal(again, line) {
			t.Errorf("%s:\n got %s\nwant %s", typ, again, line)
		}
		if typ == event.TypeMessageNew || typ == event.TypeMessageExpunge || typ == event.TypeFlagChange || typ == event.TypeMailboxReset {
			if got := event.ID(e.Data, time.Time{}); got != e.ID {
				t.Errorf("%s: a receiver makes id %s of the data, not %s", typ, got, e.ID)
			}
		}
	}
}

func TestMarshalOfValuesAndPointers(t *testing.T) {
	e := sample(t, event.TypeMessageNew)
	byPointer, err1 := json.Marshal(e)
	byValue, err2 := json.Marshal(*e)
	if err1 != nil || err2 != nil || !bytes.Equal(byPointer, byValue) {
		t.Errorf("%s, %v; %s, %v", byPointer, err1, byValue, err2)
	}
}

// fields returns the names in the JSON object text.
func fields(t testing.TB, text []byte) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// A reader must ignore what it does not know, wherever it is: that is how fields can be added.
func TestReadersIgnoreUnknownFields(t *testing.T) {
	for _, typ := range event.Types() {
		line := encode(t, sample(t, typ))
		m := fields(t, line)
		m["futureattribute"] = json.RawMessage(`"x"`)
		data := fields(t, m["data"])
		data["future"] = json.RawMessage(`{"a":[1,null]}`)
		if env := data["envelope"]; env != nil {
			deep := fields(t, env)
			deep["future"] = json.RawMessage(`[]`)
			data["envelope"] = mustMarshal(t, deep)
		}
		m["data"] = mustMarshal(t, data)
		var e event.Event
		if err := json.Unmarshal(mustMarshal(t, m), &e); err != nil {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		if again := encode(t, &e); !bytes.Equal(again, line) {
			t.Errorf("%s:\n got %s\nwant %s", typ, again, line)
		}
	}
}

func mustMarshal(t testing.TB, v any) []byte {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReadersKeepUnknownTypes(t *testing.T) {
	const line = `{"specversion":"1.0","id":"x","type":"mail.future","source":"imap://h/","datacontenttype":"application/json","data":{"a":1}}`
	var e event.Event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	if u, ok := e.Data.(*event.Unknown); !ok || u.Name != "mail.future" || string(u.Raw) != `{"a":1}` {
		t.Errorf("%#v", e.Data)
	}
	if got := string(encode(t, &e)); got != line {
		t.Errorf("got %s\nwant %s", got, line)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for name, line := range map[string]string{
		"no JSON":       `{`,
		"an array":      `[]`,
		"version 0.3":   `{"specversion":"0.3","id":"x","type":"t","source":"s","data":{}}`,
		"no version":    `{"id":"x","type":"t","source":"s","data":{}}`,
		"no id":         `{"specversion":"1.0","type":"t","source":"s","data":{}}`,
		"no type":       `{"specversion":"1.0","id":"x","source":"s","data":{}}`,
		"no source":     `{"specversion":"1.0","id":"x","type":"t","data":{}}`,
		"no data":       `{"specversion":"1.0","id":"x","type":"t","source":"s"}`,
		"a bad time":    `{"specversion":"1.0","id":"x","type":"t","source":"s","time":"now","data":{}}`,
		"a bad uid":     `{"specversion":"1.0","id":"x","type":"mail.message.new","source":"s","data":{"uid":-1}}`,
		"data as array": `{"specversion":"1.0","id":"x","type":"mail.message.new","source":"s","data":[]}`,
	} {
		e := event.Event{ID: "before"}
		if err := json.Unmarshal([]byte(line), &e); err == nil {
			t.Errorf("%s: no error", name)
		}
		if e.ID != "before" {
			t.Errorf("%s: the event was changed", name)
		}
	}
}

func TestMarshalRefusesHalfAnEvent(t *testing.T) {
	for name, e := range map[string]*event.Event{
		"empty":   {},
		"no data": {ID: "x", Source: "s"},
		"no id":   {Source: "s", Data: &event.Link{}},
		"no type": {ID: "x", Source: "s", Data: &event.Unknown{Raw: json.RawMessage("{}")}},
		"no JSON": {ID: "x", Source: "s", Data: &event.Unknown{Name: "t", Raw: json.RawMessage("{")}},
	} {
		if line, err := e.AppendJSON([]byte("kept")); err == nil || string(line) != "kept" {
			t.Errorf("%s: %s, %v", name, line, err)
		}
	}
}

// What is not known is left out; what is empty is there.
func TestPresence(t *testing.T) {
	for name, c := range map[string]struct {
		data event.Data
		want string
	}{
		"a message of which nothing is known": {
			&event.MessageNew{Ref: ref, UID: 1},
			`{"account":"jo","mailbox":"INBOX","uidvalidity":1700000000,"uid":1}`,
		},
		"a message that has nothing": {
			&event.MessageNew{Ref: ref, UID: 1, Flags: []string{}, Summary: event.Summary{Envelope: &event.Envelope{}, Attachments: []event.Attachment{}}},
			`{"account":"jo","mailbox":"INBOX","uidvalidity":1700000000,"uid":1,"flags":[],"envelope":{"subject":"","from":[],"to":[],"cc":[],"bcc":[],"reply_to":[],"message_id":"","in_reply_to":""},"attachments":[]}`,
		},
		"an expunge of the unknown": {
			&event.MessageExpunge{Ref: ref, UID: 1},
			`{"account":"jo","mailbox":"INBOX","uidvalidity":1700000000,"uid":1}`,
		},
		"the last flag goes, without CONDSTORE": {
			&event.FlagChange{Ref: ref, UID: 1, Rev: 3, Removed: []string{`\Seen`}},
			`{"account":"jo","mailbox":"INBOX","uidvalidity":1700000000,"uid":1,"rev":3,"flags":[],"added":[],"removed":["\\Seen"]}`,
		},
		"an empty mailbox on a simple server": {
			&event.MailboxOpen{Account: "jo", Mailbox: "INBOX", Method: event.MethodInitial, Push: "poll"},
			`{"account":"jo","mailbox":"INBOX","exists":0,"uidvalidity":0,"method":"initial","resumed":false,"push":"poll"}`,
		},
		"a reset": {
			&event.MailboxReset{Ref: ref},
			`{"account":"jo","mailbox":"INBOX","uidvalidity":1700000000,"uidvalidity_before":0,"exists":0}`,
		},
		"a mailbox that is gone": {
			&event.MailboxName{Account: "jo", Mailbox: "a", Change: event.NameDeleted},
			`{"account":"jo","mailbox":"a","change":"deleted"}`,
		},
		"an account that was never up": {
			&event.Link{Account: "jo"},
			`{"account":"jo","up":false,"reason":"","stale":false}`,
		},
	} {
		got := fields(t, encode(t, event.New(source, seenAt, c.data)))["data"]
		if string(got) != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	e := event.New(source, seenAt, &event.MessageNew{Ref: ref, UID: 1, Summary: event.Summary{
		InternalDate: received.Add(500 * time.Millisecond),
		Envelope:     &event.Envelope{Date: received},
	}})
	line := string(encode(t, e))
	for _, want := range []string{
		`"time":"2026-11-22T10:00:00.123Z"`, `"internaldate":"2026-11-22T09:59:58Z"`, `"date":"2026-11-22T10:59:58+01:00"`,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is not in %s", want, line)
		}
	}
	e.Time = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if line, want := string(encode(t, e)), `"time":"2026-01-02T03:04:05.000Z"`; !strings.Contains(line, want) {
		t.Errorf("%s is not in %s", want, line)
	}
}

// Times that JSON cannot say must not cost the event.
func TestTimesThatJSONCannotSay(t *testing.T) {
	for _, at := range []time.Time{
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 0, 0, time.FixedZone("", -3600)),
		time.Date(0, 12, 31, 23, 59, 0, 0, time.FixedZone("", -3600)),
		time.Date(10000, 1, 1, 0, 30, 0, 0, time.FixedZone("", 3600)),
		time.Date(2000, 1, 1, 0, 0, 0, 0, time.FixedZone("", 25*3600)),
		time.Date(2000, 1, 1, 0, 0, 0, 0, time.FixedZone("", 61)),
	} {
		e := event.New(source, seenAt, &event.MessageNew{Ref: ref, UID: 1, Summary: event.Summary{
			InternalDate: at, Envelope: &event.Envelope{Date: at},
		}})
		var back event.Event
		if err := json.Unmarshal(encode(t, e), &back); err != nil {
			t.Errorf("%v: %v", at, err)
		}
		e = event.New(source, seenAt, &event.Link{VerifiedAt: at})
		encode(t, e)
	}
}

func TestStringsBecomeUTF8(t *testing.T) {
	const bad = "a\xff\xfeb\xc3"
	for _, d := range []event.Data{
		&event.MessageNew{Ref: event.Ref{Account: bad, Mailbox: bad}, Flags: []string{bad}, Summary: event.Summary{
			Envelope: &event.Envelope{
				Subject: bad, MessageID: bad, InReplyTo: bad,
				From: []event.Address{{bad, bad}}, To: []event.Address{{bad, bad}}, Cc: []event.Address{{bad, bad}},
				Bcc: []event.Address{{bad, bad}}, ReplyTo: []event.Address{{bad, bad}},
			},
			Attachments: []event.Attachment{{Filename: bad, Type: bad}}, Preview: bad, EmailID: bad, ThreadID: bad,
		}},
		&event.FlagChange{Ref: event.Ref{Account: bad, Mailbox: bad}, Flags: []string{bad}, Added: []string{bad}, Removed: []string{bad}},
		&event.MailboxOpen{Account: bad, Mailbox: bad, Method: bad, Push: bad},
		&event.MailboxReset{Ref: event.Ref{Account: bad, Mailbox: bad}},
		&event.MailboxName{Account: bad, Mailbox: bad, Change: bad, OldMailbox: bad, Attributes: []string{bad}, MailboxID: bad},
		&event.Link{Account: bad, Mailbox: bad, Reason: bad},
	} {
		line := string(encode(t, event.New(source, seenAt, d)))
		if got, want := strings.Count(line, "a\uFFFDb\uFFFD"), countStrings(reflect.ValueOf(d), bad); got != want {
			t.Errorf("%T: %d of %d strings are clean: %s", d, got, want, line)
		}
		if got, want := countStrings(reflect.ValueOf(d), bad), strings.Count(line, "a\uFFFDb\uFFFD"); got != want {
			t.Errorf("%T: encoding changed the data itself", d)
		}
	}
}

func countStrings(v reflect.Value, text string) (n int) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return countStrings(v.Elem(), text)
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += countStrings(v.Index(i), text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += countStrings(v.Field(i), text)
		}
	case reflect.String:
		if v.String() == text {
			return 1
		}
	}
	return n
}
