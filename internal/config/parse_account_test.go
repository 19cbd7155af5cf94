package config

import (
	"strings"
	"testing"
)

func TestParseAccount(t *testing.T) {
	c, problems := load(t, "[defaults]\npreview = true\n")
	if c == nil {
		t.Fatal(problems)
	}
	const good = `"url":"imaps://jo@mail.example.org","password":"hunter2"`
	for _, test := range []struct{ text, want string }{
		{`{` + good + `}`, ""},
		{`{` + good + `,"mailboxes":["INBOX","Sent"],"max_connections":3,"text":4096,"verify_interval":"5m"}`, ""},
		{`{"url":"imaps://jo@mail.example.org","password":"literal:env:x"}`, ""},
		{`[]`, "want a JSON object"},
		{`null`, "want a JSON object"},
		{`{`, "want a JSON object"},
		{`{}`, "url is missing"},
		{`{` + good + `,"max_connections":1.5}`, "whole number"},
		{`{` + good + `,"mailboxs":["INBOX"]}`, "did you mean mailboxes?"},
		{`{` + good + `,"ca_file":"/etc/shadow"}`, "names a file of the server"},
		{`{` + good + `,"client_cert":"/etc/shadow"}`, "names a file of the server"},
		{`{` + good + `,"proxy":"socks5://u:hunter2@x"}`, "does not belong into the URL"},
		{`{"url":"imaps://jo@mail.example.org","password":"env:PATH"}`, "must be the secret itself"},
		{`{"url":"imaps://jo@mail.example.org","password":"file:/etc/shadow"}`, "must be the secret itself"},
		{`{"url":"imaps://jo@mail.example.org","password":"command:id"}`, "must be the secret itself"},
		{`{"url":"imaps://jo@mail.example.org","password":"https://169.254.169.254/"}`, "must be the secret itself"},
		{`{"url":"imaps://jo@mail.example.org","oauth":{"provider":"gmail","client_id":"x","refresh_token":"keyring:a/b"}}`, "must be the secret itself"},
		{`{"url":"imaps://jo:hunter2@mail.example.org"}`, "does not belong into the URL"},
	} {
		a, problems := ParseAccount([]byte(test.text), c)
		var said string
		for _, p := range problems {
			said += p.String() + "\n"
		}
		if !strings.Contains(said, test.want) || (test.want == "") != (len(problems) == 0) || strings.Contains(said, "hunter2") {
			t.Errorf("%s: %s", test.text, said)
		}
		if test.want == "" && (!a.Preview || a.Name != "jo@mail.example.org" || a.Password.IsZero()) {
			t.Errorf("%s: %+v", test.text, a)
		}
	}
}
