package imap

import (
	"strings"
	"testing"
)

func TestMailboxesMatchPatterns(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		delim         rune
		want          bool
	}{
		{"*", "", '/', true},
		{"*", "a/b/c", '/', true},
		{"%", "a", '/', true},
		{"%", "a/b", '/', false},
		{"%", "a/b", '.', true},
		{"%", "a/b", 0, true},
		{"%", "a·b", '·', false}, // a delimiter of two bytes
		{"%·%", "a·b", '·', true},
		{"a%", "a", '/', true},
		{"a/%", "a/b", '/', true},
		{"a/%", "a/b/c", '/', false},
		{"a/%/c", "a/b/c", '/', true},
		{"a*c", "a/b/c", '/', true},
		{"a*c", "a/b/cd", '/', false},
		{"%*%", "a/b", '/', true},
		{"", "a", '/', false},
		{"a", "A", '/', false},
		{"inbox", "INBOX", '/', true},
		{"InBox", "iNbOX", '/', true},
		{"inb%", "INBOX", '/', true},
		{"inb%", "INBOX/a", '/', false},
		{"Entwürfe/%", "Entwürfe/alt", '/', true},
		{strings.Repeat("%*", 500), strings.Repeat("a", 500), '/', true},
		{strings.Repeat("a*", 500) + "b", strings.Repeat("a", 1000), '/', false},
	} {
		if got := MatchMailbox(test.pattern, test.name, test.delim); got != test.want {
			t.Errorf("MatchMailbox(%.20q, %.20q, %q) = %v", test.pattern, test.name, test.delim, got)
		}
	}
}

func TestMailboxNamesHaveLevels(t *testing.T) {
	for _, test := range []struct {
		name         string
		delim        rune
		parent, base string
	}{
		{"INBOX", '/', "", "INBOX"},
		{"a/b/c", '/', "a/b", "c"},
		{"a/b/", '/', "a", "b"},
		{"a/b", 0, "", "a/b"},
		{"a.b", '.', "a", "b"},
		{"a·b", '·', "a", "b"},
		{"", '/', "", ""},
	} {
		l := &List{Mailbox: test.name, Delim: test.delim}
		if l.Parent() != test.parent || l.Base() != test.base {
			t.Errorf("%q: parent %q, base %q", test.name, l.Parent(), l.Base())
		}
	}
}

func TestSameMailbox(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"INBOX", "inbox", true},
		{"Inbox", "iNBOX", true},
		{"a", "a", true},
		{"a", "A", false},
		{"INBOX", "INBOX/a", false},
	} {
		if SameMailbox(test.a, test.b) != test.want {
			t.Errorf("SameMailbox(%q, %q) is not %v", test.a, test.b, test.want)
		}
	}
}

func TestMailboxAttributes(t *testing.T) {
	for _, test := range []struct {
		attrs []Attr
		a     Attr
		want  bool
	}{
		{nil, AttrNoSelect, false},
		{[]Attr{AttrNoSelect}, AttrNoSelect, true},
		{[]Attr{AttrNonExistent}, AttrNoSelect, true},
		{[]Attr{AttrNoSelect}, AttrNonExistent, false},
		{[]Attr{AttrNoInferiors}, AttrHasNoChildren, true},
		{[]Attr{AttrHasNoChildren}, AttrNoInferiors, false},
	} {
		if got := (&List{Attrs: test.attrs}).Has(test.a); got != test.want {
			t.Errorf("%v has %s: %v", test.attrs, test.a, got)
		}
	}
	l := &List{Attrs: []Attr{AttrHasChildren, AttrSent, AttrImportant, `\X`}}
	if uses := l.SpecialUses(); len(uses) != 2 || uses[0] != AttrSent || uses[1] != AttrImportant {
		t.Errorf("special uses %v", uses)
	}
}
