package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/status"
)

type openAPI struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Responses   map[string]struct {
			Content map[string]struct{ Schema json.RawMessage }
		}
	}
	text       []byte
	Components struct {
		Schemas map[string]json.RawMessage
	}
}

func document(t *testing.T, w *world) openAPI {
	t.Helper()
	var doc openAPI
	got := w.ask("GET", "/openapi.json", nil)
	got.into(t, &doc)
	doc.text = got.body
	return doc
}

func TestDocumentHasEveryRoute(t *testing.T) {
	w := newWorld(t, nil)
	doc := document(t, w)
	var got []string
	for path, methods := range doc.Paths {
		for method := range methods {
			got = append(got, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(got)
	want := []string{
		"DELETE /v1/accounts/{name}", "GET /healthz", "GET /metrics", "GET /openapi.json", "GET /readyz",
		"GET /v1/accounts", "GET /v1/accounts/{name}", "GET /v1/deadletters", "GET /v1/events", "GET /v1/events/stream", "GET /v1/events/{id}",
		"GET /v1/mailboxes", "GET /v1/me", "GET /v1/series", "GET /v1/sinks", "GET /v1/sinks/{name}/failing", "GET /v1/status",
		"POST /v1/accounts", "POST /v1/accounts/{name}/verify", "POST /v1/deadletters/drop", "POST /v1/deadletters/replay",
		"POST /v1/reload", "POST /v1/sinks/{name}/pause", "POST /v1/sinks/{name}/replay", "POST /v1/sinks/{name}/resume", "POST /v1/sinks/{name}/skip", "POST /v1/verify",
		"PUT /v1/accounts/{name}",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the document has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("version %s", doc.OpenAPI)
	}
	text := w.ask("GET", "/openapi.json", nil).body
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]*)"`).FindAllSubmatch(text, -1) {
		if doc.Components.Schemas[string(ref[1])] == nil {
			t.Errorf("the document refers to %s, which it does not have", ref[1])
		}
	}
}

// fill gives the fakes something to tell of each kind.
func (w *world) fill() {
	now := time.Now()
	w.log.add("jo", "mail.message.new")
	w.log.add("ann", "mail.message.flags")
	w.log.add("jo", "mail.link")
	w.sinks.dead = []journal.DeadLetter{{
		Sink: "hook", Retry: journal.Retry{Position: 2, Attempts: 10, LastAt: now, Error: "500"}, BuriedAt: now, Record: w.log.records[1],
	}}
	w.sinks.failing = []journal.Pending{{Retry: journal.Retry{Position: 1, Attempts: 3, LastAt: now, NextAt: now, Error: "422"}, Record: w.log.records[0]}}
	w.board.Event("jo", "INBOX", "mail.message.new", now)
	w.board.Delivery("hook", status.Delivered, now.Add(-time.Second), now)
	w.board.Report(status.Sources{
		Accounts: func() []status.Account {
			return []status.Account{
				{Name: "ann", Origin: status.OriginFile, User: "ann", Host: "mail.example.org:993", Mailboxes: []status.Mailbox{
					{Name: "", Class: "auth", Reason: "NO", Since: now, RetryAt: now.Add(time.Minute)},
				}},
				{Name: "jo", Origin: status.OriginFile, User: "jo", Host: "mail.example.org:993", Mailboxes: []status.Mailbox{
					{Name: "INBOX", Up: true, VerifiedAt: now, Push: "idle", Exists: 3}, {Name: "Sent", Up: true, Stale: true, VerifiedAt: now.Add(-time.Hour)},
				}},
			}
		},
		Sinks: func() []status.Sink {
			return []status.Sink{{Name: "hook", Type: "webhook", Doing: status.SinkResting, DoingSince: now, Err: "500", ErrAt: now, Replaying: 2}}
		},
		Journal: func() status.Journal {
			return status.Journal{Bytes: 4096, First: 1, Last: 3, Err: "disk is full", ErrAt: now}
		},
	})
}

// What is answered must be as the document says, in both directions: no field that it does not have, none missing that it wants.
func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	w := newWorld(t, nil)
	w.fill()
	doc := document(t, w)
	spec := map[string]any{"name": "new", "url": "imaps://new@mail.example.org", "password": "right", "mailboxes": []string{"INBOX"}}
	for _, test := range []struct {
		method, path, operation string
		body                    any
		code                    string
	}{
		{"GET", "/v1/status", "getStatus", nil, "200"},
		{"GET", "/v1/series?points=6", "getSeries", nil, "200"},
		{"GET", "/v1/me", "getMe", nil, "200"},
		{"GET", "/v1/accounts", "listAccounts", nil, "200"},
		{"GET", "/v1/accounts/jo", "getAccount", nil, "200"},
		{"GET", "/v1/accounts/ann", "getAccount", nil, "200"},
		{"GET", "/v1/accounts/nobody", "getAccount", nil, "404"},
		{"POST", "/v1/accounts", "createAccount", spec, "201"},
		{"POST", "/v1/accounts", "createAccount", spec, "409"},
		{"POST", "/v1/accounts", "createAccount", map[string]any{}, "422"},
		{"PUT", "/v1/accounts/new", "replaceAccount", spec, "200"},
		{"POST", "/v1/verify", "verifySpec", spec, "200"},
		{"POST", "/v1/accounts/new/verify", "verifyAccount", nil, "200"},
		{"DELETE", "/v1/accounts/new", "deleteAccount", nil, "204"},
		{"GET", "/v1/mailboxes", "listMailboxes", nil, "200"},
		{"GET", "/v1/events", "listEvents", nil, "200"},
		{"GET", "/v1/events?after=99", "listEvents", nil, "200"},
		{"GET", "/v1/events/id1", "getEvent", nil, "200"},
		{"GET", "/v1/sinks", "listSinks", nil, "200"},
		{"POST", "/v1/sinks/hook/pause", "pauseSink", map[string]any{"reason": "x"}, "204"},
		{"POST", "/v1/sinks/hook/replay", "replay", map[string]any{"from": 1}, "200"},
		{"GET", "/v1/sinks/hook/failing", "listFailing", nil, "200"},
		{"GET", "/v1/sinks/hook/failing?after=1", "listFailing", nil, "200"},
		{"GET", "/v1/sinks/other/failing", "listFailing", nil, "404"},
		{"POST", "/v1/sinks/hook/skip", "skip", map[string]any{"ids": []string{"id1"}}, "200"},
		{"POST", "/v1/sinks/hook/skip", "skip", map[string]any{"ids": []string{"fine"}}, "409"},
		{"POST", "/v1/sinks/hook/skip", "skip", map[string]any{}, "422"},
		{"GET", "/v1/deadletters", "listDeadLetters", nil, "200"},
		{"POST", "/v1/deadletters/replay", "replayDeadLetters", map[string]any{"sink": "hook", "positions": []int{2}}, "200"},
		{"GET", "/healthz", "getHealth", nil, "200"},
		{"GET", "/readyz", "getReadiness", nil, "503"},
	} {
		got := w.ask(test.method, test.path, test.body)
		if code := string('0'+rune(got.code/100)) + string('0'+rune(got.code/10%10)) + string('0'+rune(got.code%10)); code != test.code {
			t.Errorf("%s %s: %s %s, want %s", test.method, test.path, code, got.body, test.code)
			continue
		}
		for _, complaint := range doc.complaints(t, test.operation, test.code, got.body) {
			t.Errorf("%s %s: %s in %s", test.method, test.path, complaint, got.body)
		}
	}
}

// complaints returns where a body is not as the document says.
func (d openAPI) complaints(t *testing.T, operation, code string, body []byte) (out []string) {
	t.Helper()
	for path, methods := range d.Paths {
		for method, op := range methods {
			if op.OperationID != operation {
				continue
			}
			response, ok := op.Responses[code]
			if !ok {
				return []string{"the document has no " + code}
			}
			for content := range response.Content {
				pointer := "/paths/" + escape(path) + "/" + method + "/responses/" + code + "/content/" + escape(content) + "/schema"
				return d.validate(t, pointer, body)
			}
			if len(body) > 0 {
				return []string{"the document has no body"}
			}
			return nil
		}
	}
	return []string{"the document has no operation " + operation}
}

// escape writes a name as a part of a JSON pointer (RFC 6901) in a URL.
func escape(name string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
}

func (d openAPI) validate(t *testing.T, pointer string, body []byte) []string {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("api.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("api.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return []string{err.Error()}
	}
	return nil
}

func TestValidateFindsFaults(t *testing.T) {
	w := newWorld(t, nil)
	doc := document(t, w)
	for _, body := range []string{`{}`, `{"name":"x","scopes":"read"}`, `{"scopes":[],"surplus":1}`} {
		if got := doc.complaints(t, "getMe", "200", []byte(body)); len(got) == 0 {
			t.Errorf("nothing is wrong with %s", body)
		}
	}
}
