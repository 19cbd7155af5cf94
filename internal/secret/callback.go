package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// question is what a callback is asked.
type question struct{ url, account, user, host string }

// answer is what it said, for as long as it holds.
type answer struct {
	found Found
	until time.Time
}

const (
	callbackTimeout = 30 * time.Second
	maxAnswer       = 256 << 10
	// early is how long before its end an answer is not used any more.
	early = 30 * time.Second
	// maxAnswers bounds how many answers are remembered.
	maxAnswers = 100_000
)

// direct is the client for callbacks: a redirect or a proxy could take the password elsewhere.
var direct = &http.Client{
	Transport: func() http.RoundTripper {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.Proxy = nil
		t.MaxIdleConnsPerHost = 16
		return t
	}(),
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// ask asks a callback, or remembers its answer.
func (s *Resolver) ask(ctx context.Context, r Ref, what For) (Found, error) {
	q := question{r.text, what.Account, what.User, what.Host}
	s.mu.Lock()
	known, ok := s.answered[q]
	s.mu.Unlock()
	if ok && !what.Renew && time.Now().Before(known.until) {
		return known.found, nil
	}
	asking, cancel := context.WithTimeout(ctx, callbackTimeout)
	defer cancel()
	found, life, err := s.request(asking, r, what)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return Found{}, cause
		}
		return Found{}, err
	}
	s.remember(q, answer{found, time.Now().Add(life - early)}, life > early)
	return found, nil
}

func (s *Resolver) remember(q question, a answer, lasting bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !lasting {
		delete(s.answered, q)
		return
	}
	if s.answered == nil || len(s.answered) >= maxAnswers {
		s.answered = map[question]answer{}
	}
	s.answered[q] = a
}

// request asks with account, user and host in the query, and "renew=true" if the last answer was refused. The answer is JSON.
func (s *Resolver) request(ctx context.Context, r Ref, what For) (Found, time.Duration, error) {
	u, err := url.Parse(r.text)
	if err != nil {
		return Found{}, 0, &Error{Ref: r, What: "not a valid URL"}
	}
	query := u.Query()
	for key, value := range map[string]string{"account": what.Account, "user": what.User, "host": what.Host} {
		if value != "" {
			query.Set(key, value)
		}
	}
	if what.Renew {
		query.Set("renew", "true")
	}
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Found{}, 0, &Error{Ref: r, What: "not a valid URL"}
	}
	req.Header.Set("Accept", "application/json")
	client := s.Client
	if client == nil {
		client = direct
	}
	resp, err := client.Do(req)
	if err != nil {
		var with *url.Error // which repeats the query
		if errors.As(err, &with) {
			err = with.Err
		}
		return Found{}, 0, &Error{Ref: r, What: "the credential service does not answer", Err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case resp.StatusCode != http.StatusOK:
		return Found{}, 0, &Error{Ref: r, What: fmt.Sprintf("the credential service answers with status %d instead of 200", resp.StatusCode), Hint: statusHint(resp.StatusCode)}
	case err != nil:
		return Found{}, 0, &Error{Ref: r, What: "the answer of the credential service is cut off", Err: err}
	case len(body) > maxAnswer:
		return Found{}, 0, &Error{Ref: r, What: fmt.Sprintf("the answer of the credential service is longer than %d bytes", maxAnswer)}
	}
	return readAnswer(r, body)
}

func statusHint(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "does it know the account?"
	case status/100 == 3:
		return "redirects are not followed: write the URL that it redirects to"
	}
	return ""
}

// maxLife bounds how long an answer is remembered, whatever it says.
const maxLife = 24 * time.Hour

func readAnswer(r Ref, body []byte) (Found, time.Duration, error) {
	var a struct {
		Username    string  `json:"username"`
		Password    string  `json:"password"`
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"` // seconds
	}
	const want = `want {"password": "…"} or {"access_token": "…", "expires_in": 3600}, and "username" if it is another`
	if err := json.Unmarshal(body, &a); err != nil { // err can have a piece of the answer
		return Found{}, 0, &Error{Ref: r, What: "the answer of the credential service is not the JSON that is expected", Hint: want}
	}
	if (a.Password == "") == (a.AccessToken == "") {
		return Found{}, 0, &Error{Ref: r, What: "the answer of the credential service has not exactly one of password and access_token", Hint: want}
	}
	life := time.Duration(min(max(a.ExpiresIn, 0), maxLife.Seconds()) * float64(time.Second))
	f := Found{Username: a.Username, Secret: New(a.Password + a.AccessToken), IsToken: a.AccessToken != ""}
	return f, life, nil
}
