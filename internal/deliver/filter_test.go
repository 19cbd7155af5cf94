package deliver_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/internal/deliver"
	"github.com/pushmail/pushmail/internal/journal"
)

var filtered = journal.Record{
	Account: "jo", Mailbox: "INBOX", Type: "mail.message.new", Source: "imap://jo@mail.example.org/INBOX",
	JSON: []byte(`{"data":{"uid":42,"size":2301,"flags":["\\Seen","$Work"],"envelope":{"subject":"Your invoice","from":[{"name":"Al","address":"al@example.org"}],
		"to":[{"address":"jo@example.org"}],"cc":[]},"attachments":[{"filename":"a.pdf"}]}}`),
}

func TestFilterMatches(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"":                               true,
		" ":                              true,
		"true":                           true,
		`account == "jo"`:                true,
		`account in ["al", "bo"]`:        false,
		`mailbox startsWith "IN"`:        true,
		`type == "mail.message.expunge"`: false,
		`from endsWith "@example.org" and from_name == "Al"`: true,
		`subject matches "(?i)INVOICE" && size > 2300`:       true,
		`"\\Seen" in flags`:                               true,
		`"\\Flagged" in flags or "$Work" in flags`:        true,
		`any(to, # == "jo@example.org") and len(cc) == 0`: true,
		`attachments == 1 and uid == 42`:                  true,
		`source contains "INBOX"`:                         true,
		`len(labels) > 0 or len(added) > 0`:               false,
	} {
		f, err := deliver.NewFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := f.Match(filtered); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestFilterThatDoesNotCompileSaysWhereAndWhat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`accout == "jo"`:                  "1:1: unknown name accout (did you mean account?)",
		"size > 1 and\n Subject == \"x\"": "2:2: unknown name Subject (did you mean subject?)",
		`colour == "red"`:                 "1:1: unknown name colour; there are account, ",
		`size > `:                         "1:",
		`size + 1`:                        "expected bool",
		`size == "big"`:                   "mismatched types",
		`subject matches "("`:             "missing closing",
		`exec("rm")`:                      "unknown name exec",
	} {
		_, err := deliver.NewFilter(text)
		var at *deliver.FilterError
		if !errors.As(err, &at) || at.Line < 1 || at.Column < 1 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestFilterThatFailsTakesTheEvent(t *testing.T) {
	t.Parallel()
	for text, json := range map[string]string{`to[3] == "x"`: "{}", `subject == ""`: "not JSON", `len(to[9]) > 0`: "{}"} {
		f, err := deliver.NewFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := f.Match(journal.Record{JSON: []byte(json)}); !ok || err == nil {
			t.Errorf("%s: %v, %v", text, ok, err)
		}
	}
}

func TestAnyOf(t *testing.T) {
	t.Parallel()
	no, _ := deliver.NewFilter(`account == "al"`)
	yes, _ := deliver.NewFilter(`uid == 42`)
	for want, f := range map[bool][]*deliver.Filter{false: {no, no}, true: {no, yes}} {
		if got, err := deliver.AnyOf(f...).Match(filtered); got != want || err != nil {
			t.Errorf("%v: %v", got, err)
		}
	}
	if got, _ := deliver.AnyOf().Match(filtered); got {
		t.Error("none takes something")
	}
}
