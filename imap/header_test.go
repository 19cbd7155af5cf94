package imap_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

func TestDisplayName(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"Jo Doe", "Jo Doe"},
		{"=?utf-8?Q?J=C3=B6?=\r\n =?utf-8?Q?rg_M=C3=BCller?=", "Jörg Müller"},
		{"  Jo \t\r\n  Doe ", "Jo Doe"},
		{`"Jo Doe"`, "Jo Doe"},
		{`=?UTF-8?Q?"Dummy"?=`, "Dummy"}, // Gmail
		{`"`, `"`},
		{`""`, ""},
		{`Jo "The" Doe`, `Jo "The" Doe`},
		{"J\xf6rg", "Jörg"},
	} {
		a := imap.Address{Name: c.in, Mailbox: "jo", Host: "example.org"}
		if got := a.DisplayName(nil); got != c.want {
			t.Errorf("DisplayName of %q = %q, want %q", c.in, got, c.want)
		}
	}
}

// addresses reads "a@x b@x team: c@x ; d", where "d" is an address without a host.
func addresses(text string) []imap.Address {
	var out []imap.Address
	for word := range strings.FieldsSeq(text) {
		var a imap.Address
		switch mailbox, host, _ := strings.Cut(word, "@"); {
		case word == ";":
		default:
			a.Mailbox, a.Host = strings.TrimSuffix(mailbox, ":"), host
		}
		out = append(out, a)
	}
	return out
}

func TestGroups(t *testing.T) {
	for _, c := range []struct {
		in        string
		groups    []string
		mailboxes string
	}{
		{"", nil, ""},
		{"a@x b@x", []string{": a@x b@x"}, "a@x b@x"},
		{"undisclosed-recipients: ;", []string{"undisclosed-recipients:"}, ""},
		{"team: a@x b@x ;", []string{"team: a@x b@x"}, "a@x b@x"},
		{"z@x team: a@x ; y@x other: ; w@x v@x", []string{": z@x", "team: a@x", ": y@x", "other:", ": w@x v@x"}, "z@x a@x y@x w@x v@x"},
		{"abel", []string{": abel"}, "abel"}, // Gmail: an address without a host
		{"a@x abel b@x", []string{": a@x abel b@x"}, "a@x abel b@x"},
		{"team: a@x", []string{": team a@x"}, "team a@x"},
		{"team: abel ;", []string{"team: abel"}, "abel"},
		{"a@x ; b@x", []string{": a@x", ": b@x"}, "a@x b@x"},
		{"; ; a@x", []string{": a@x"}, "a@x"},
	} {
		list := addresses(c.in)
		var got []string
		for name, members := range imap.Groups(list) {
			got = append(got, strings.TrimSuffix(name+": "+addrs(members), " "))
		}
		if !reflect.DeepEqual(got, c.groups) {
			t.Errorf("Groups(%q) = %q, want %q", c.in, got, c.groups)
		}
		if got := addrs(imap.Mailboxes(list)); got != c.mailboxes {
			t.Errorf("Mailboxes(%q) = %q, want %q", c.in, got, c.mailboxes)
		}
		for range imap.Groups(list) {
			break
		}
	}
}

func addrs(list []imap.Address) string {
	words := make([]string, len(list))
	for i := range list {
		words[i] = list[i].Addr()
	}
	return strings.Join(words, " ")
}

func ExampleGroups() {
	to := []imap.Address{
		{Mailbox: "jo", Host: "example.org"},
		{Mailbox: "friends"},
		{Mailbox: "ann", Host: "example.org"},
		{},
	}
	for group, members := range imap.Groups(to) {
		fmt.Printf("%q %s\n", group, members[0].Addr())
	}
	// Output:
	// "" jo@example.org
	// "friends" ann@example.org
}
