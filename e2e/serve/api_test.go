package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/pushmail"
)

// trouble is why something is not well.
type trouble struct {
	Class   string `json:"class"`
	Summary string `json:"summary"`
	Advice  string `json:"advice"`
	Reason  string `json:"reason"`
}

// account is what the API tells of an account.
type account struct {
	Name      string   `json:"name"`
	Origin    string   `json:"origin"`
	State     string   `json:"state"`
	Level     string   `json:"level"`
	Mailboxes int      `json:"mailboxes"`
	Trouble   *trouble `json:"trouble"`
}

// sink is what the API tells of a sink.
type sink struct {
	Name        string   `json:"name"`
	State       string   `json:"state"`
	Backlog     int      `json:"backlog"`
	Failing     int      `json:"failing"`
	Replaying   int      `json:"replaying"`
	DeadLetters int      `json:"dead_letters"`
	Delivered   int      `json:"delivered"`
	Trouble     *trouble `json:"trouble"`
}

// try asks the API.
func (s *site) try(method, path string, in any) (code int, answer []byte, err error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return 0, nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, "http://"+s.api+path, body)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	client := http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// ask asks the API, wants that answer, and reads it into out unless that is nil. It returns the answer, too.
func (s *site) ask(code int, method, path string, in, out any) string {
	s.t.Helper()
	got, answer, err := s.try(method, path, in)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	if got != code {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, got, code, answer)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			s.t.Fatalf("%s %s: %v: %s", method, path, err, answer)
		}
	}
	return string(answer)
}

// items asks for a list.
func items[T any](s *site, path string) []T {
	s.t.Helper()
	var out struct {
		Items []T `json:"items"`
	}
	s.ask(http.StatusOK, "GET", path, nil, &out)
	return out.Items
}

func (s *site) accounts() []account {
	s.t.Helper()
	return items[account](s, "/v1/accounts?limit=1000")
}

// accountNamed is the account of that name, without one if there is none.
func (s *site) accountNamed(name string) account {
	s.t.Helper()
	all := s.accounts()
	if i := slices.IndexFunc(all, func(a account) bool { return a.Name == name }); i >= 0 {
		return all[i]
	}
	return account{}
}

func (s *site) sinkNamed(name string) sink {
	s.t.Helper()
	all := items[sink](s, "/v1/sinks")
	if i := slices.IndexFunc(all, func(k sink) bool { return k.Name == name }); i >= 0 {
		return all[i]
	}
	return sink{}
}

// awaitUp waits until the daemon has just these accounts, and all are well.
func (s *site) awaitUp(r *pushmail.Run, names ...string) {
	s.t.Helper()
	slices.Sort(names)
	eventually(s.t, r, func() string {
		if _, _, err := s.try("GET", "/healthz", nil); err != nil {
			return err.Error()
		}
		var up []string
		all := s.accounts()
		for _, a := range all {
			if a.State == "up" {
				up = append(up, a.Name)
			}
		}
		slices.Sort(up)
		if len(all) == len(names) && slices.Equal(up, names) {
			return ""
		}
		return fmt.Sprintf("accounts are %+v", all)
	})
}

// awaitAll waits until each log has the subjects.
func (s *site) awaitAll(r *pushmail.Run, subjects map[string]bool, logs map[string]func() log) {
	s.t.Helper()
	eventually(s.t, r, func() string {
		var left []string
		for name, read := range logs {
			if n := read().missing(subjects); n > 0 {
				left = append(left, fmt.Sprintf("%s lacks %d of %d messages", name, n, len(subjects)))
			}
		}
		return strings.Join(left, "; ")
	})
}

// lines reads what a file sink wrote.
func (s *site) lines(sink string) func() log {
	return func() log { return fileLog(s.t, s.file(sink)) }
}

// explained wants trouble with a class, in words, with advice.
func explained(t *testing.T, what string, got *trouble, class string, words ...string) {
	t.Helper()
	if got == nil || got.Class != class || got.Summary == "" || got.Advice == "" {
		t.Errorf("%s: trouble is %+v, want class %s with summary and advice", what, got, class)
		return
	}
	all := got.Summary + " " + got.Advice + " " + got.Reason
	for _, word := range words {
		if !strings.Contains(all, word) {
			t.Errorf("%s: not a word of %q: %s", what, word, all)
		}
	}
}

// set makes a set.
func set(subjects ...string) map[string]bool {
	m := map[string]bool{}
	for _, s := range subjects {
		m[s] = true
	}
	return m
}

// quiet is how long something must not happen for.
const quiet = 300 * time.Millisecond
