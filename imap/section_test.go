package imap

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestSectionRequest(t *testing.T) {
	tests := []struct {
		wire string
		r    SectionRequest
		spec string
	}{
		{"BODY.PEEK[]", SectionRequest{}, ""},
		{"BODY[]", SectionRequest{SetSeen: true}, ""},
		{"BODY.PEEK[1.2]", SectionRequest{Part: []uint32{1, 2}}, "1.2"},
		{"BODY.PEEK[HEADER]<0.1024>", SectionRequest{Text: SectionHeader, Length: 1024}, "HEADER"},
		{"BODY.PEEK[3.MIME]<7.1>", SectionRequest{Part: []uint32{3}, Text: SectionMIME, Offset: 7, Length: 1}, "3.MIME"},
		{"BODY.PEEK[HEADER.FIELDS (From X-A)]", SectionRequest{Text: SectionHeaderFields, Fields: []string{"From", "X-A"}}, "HEADER.FIELDS (FROM X-A)"},
		{`BODY.PEEK[1.HEADER.FIELDS.NOT ("a]\"" "nil")]`, SectionRequest{Part: []uint32{1}, Text: SectionHeaderFieldsNot, Fields: []string{`a]"`, "nil"}}, `1.HEADER.FIELDS.NOT (A]" NIL)`},
		{"BINARY.PEEK[4294967295]<1.2>", SectionRequest{Item: SectionItemBinary, Part: []uint32{4294967295}, Offset: 1, Length: 2}, "4294967295"},
		{"BINARY[]", SectionRequest{Item: SectionItemBinary, SetSeen: true}, ""},
		{"BINARY.SIZE[2]", SectionRequest{Item: SectionItemBinarySize, Part: []uint32{2}}, "2"},
	}
	for _, test := range tests {
		if got := test.r.String(); got != test.wire {
			t.Errorf("%+v: String is %q, want %q", test.r, got, test.wire)
		}
		if got := test.r.Spec(); got != test.spec {
			t.Errorf("%+v: Spec is %q, want %q", test.r, got, test.spec)
		}
		if got, err := ParseSection(test.wire); err != nil || !reflect.DeepEqual(got, test.r) {
			t.Errorf("ParseSection(%q) = %+v, %v; want %+v", test.wire, got, err, test.r)
		}
	}
	if got, err := ParseSection("body.peek[1.header.fields (a)]"); err != nil || got.String() != "BODY.PEEK[1.HEADER.FIELDS (a)]" {
		t.Errorf("lower case: %v, %v", got, err)
	}
}

func TestSectionRequestRefuses(t *testing.T) {
	for _, r := range []SectionRequest{
		{Item: "X"},
		{Item: SectionItemBinary, Text: SectionHeader},
		{Item: SectionItemBinarySize, Part: []uint32{1}, Length: 1},
		{Part: []uint32{1, 0}},
		{Text: "BODY"},
		{Text: SectionMIME},
		{Text: SectionHeaderFields},
		{Text: SectionHeader, Fields: []string{"a"}},
		{Text: SectionHeaderFields, Fields: []string{""}},
		{Text: SectionHeaderFields, Fields: []string{"a\r\n"}},
		{Text: SectionHeaderFields, Fields: []string{"a:"}},
		{Text: SectionHeaderFields, Fields: []string{"ä"}},
		{Offset: 1},
		{Offset: -1, Length: 1},
		{Length: -1},
		{Offset: 1<<63 - 1, Length: 1},
	} {
		if r.Validate() == nil || r.String() != "" {
			t.Errorf("%+v: no error, String is %q", r, r.String())
		}
	}
	for _, text := range []string{
		"", "BODY", "BODY[", "BODY]", "X[]", "BODY.SIZE[]", "BINARY.SIZE.PEEK[1]", "BODY[1.]", "BODY[0]", "BODY[01]", "BODY[1..2]",
		"BODY[X]", "BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS ]", "BODY[HEADER.FIELDS ()]", "BODY[HEADER.FIELDS (a]", "BODY[HEADER.FIELDS (a )]",
		"BODY[HEADER.FIELDS (\"a)]", "BODY[HEADER.FIELDS (a) ]", "BODY[TEXT ]", "BODY[]<>", "BODY[]<1>", "BODY[]<1.0>", "BODY[]<1.-1>", "BODY[]1.2", "BODY[]<9223372036854775808.1>",
	} {
		if r, err := ParseSection(text); err == nil {
			t.Errorf("ParseSection(%q) = %+v", text, r)
		}
	}
}

func TestSectionRequestAnswers(t *testing.T) {
	r := SectionRequest{Text: SectionHeaderFields, Fields: []string{"From"}}
	s := Section{Item: "BODY", Spec: "HEADER.FIELDS (FROM)", Offset: -1}
	if !r.Answers(&s) {
		t.Error("the answer is not recognised")
	}
	for _, wrong := range []Section{
		{Item: "BINARY", Spec: s.Spec, Offset: -1}, {Item: "BODY", Spec: "HEADER", Offset: -1}, {Item: "BODY", Spec: s.Spec},
	} {
		if r.Answers(&wrong) {
			t.Errorf("%+v is taken for the answer", wrong)
		}
	}
	r.Length = 5
	s.Offset = 0
	if !r.Answers(&s) {
		t.Error("the answer with an offset is not recognised")
	}
}

func FuzzParseSection(f *testing.F) {
	for _, seed := range []string{"BODY.PEEK[]", `BODY[1.HEADER.FIELDS ("a]\"" b)]<0.5>`, "BINARY.SIZE[1]", "binary.peek[1.2]<1.1>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseSection(text)
		if err != nil {
			return
		}
		again, err := ParseSection(r.String())
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Errorf("%q: %+v is written %q and read as %+v, %v", text, r, r.String(), again, err)
		}
	})
}

func TestSectionRequestIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := SectionRequest{
			Item:    rapid.SampledFrom([]SectionItem{SectionItemBody, SectionItemBinary, SectionItemBinarySize}).Draw(t, "item"),
			Part:    rapid.SliceOfN(rapid.Uint32(), 0, 3).Draw(t, "part"),
			Text:    rapid.SampledFrom([]SectionText{SectionAll, SectionHeader, SectionHeaderFields, SectionHeaderFieldsNot, SectionBody, SectionMIME}).Draw(t, "text"),
			Fields:  rapid.SliceOfN(rapid.StringMatching(`[ -~]{1,5}`), 0, 3).Draw(t, "fields"),
			SetSeen: rapid.Bool().Draw(t, "seen"),
			Offset:  rapid.Int64Range(-1, 1<<62).Draw(t, "offset"),
			Length:  rapid.Int64Range(-1, 1<<62).Draw(t, "length"),
		}
		if r.Validate() != nil {
			return
		}
		if r.Item == SectionItemBinarySize {
			r.SetSeen = false // has no meaning there
		}
		got, err := ParseSection(r.String())
		if len(r.Part) == 0 {
			r.Part = nil
		}
		if len(r.Fields) == 0 {
			r.Fields = nil
		}
		if err != nil || !reflect.DeepEqual(r, got) {
			t.Fatalf("%+v is written %q and read as %+v, %v", r, r.String(), got, err)
		}
	})
}
