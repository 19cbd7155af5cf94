package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pushmail/pushmail/internal/status"
)

// ListQuery is how lists are asked for.
type ListQuery struct {
	Cursor string `query:"cursor" maxLength:"4000" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Rows of a page at most"`
	Query  string `query:"q" maxLength:"200" doc:"Text that the name, the user or the host must contain, in any case"`
	State  string `query:"state" maxLength:"200" doc:"Only those of these states or levels, separated by commas: down,stale or bad"`
}

type accountsIn struct {
	ListQuery
	Sort string `query:"sort" enum:"name,-name,state,-state,verified_at,-verified_at,last_event_at,-last_event_at,mailboxes,-mailboxes" default:"name" doc:"Order; with - from the end. -state has the worst first, verified_at those that were never verified, then those for which it is longest ago"`
}

type accountsOut struct {
	Items []status.Account `json:"items" nullable:"false"`
	Next  string           `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
	Total int              `json:"total" doc:"How many match, on all pages"`
	// States are of all accounts that match but for the state.
	States map[status.State]int `json:"states" doc:"How many match by state, whatever states were asked for"`
}

type accountOut struct {
	status.Account
	Boxes []status.Mailbox `json:"mailbox_list" nullable:"false" doc:"All mailboxes that are watched. The one without a name is the connection that looks at the others, when that has trouble"`
	Spec  *AccountSpec     `json:"spec,omitempty" doc:"What the account was added with, without secrets; absent if it is in the configuration file"`
}

type AccountPath struct {
	Name string `path:"name" maxLength:"200" doc:"Name of the account"`
}

func (s *Server) routeAccounts() {
	const tag = "accounts"
	huma.Register(s.api, operation("GET", "/v1/accounts", "listAccounts", "Accounts and how they are", "", tag, Read), s.listAccounts)
	huma.Register(s.api, operation("GET", "/v1/accounts/{name}", "getAccount", "An account with its mailboxes", "", tag, Read, 404), s.getAccount)

	create := operation("POST", "/v1/accounts", "createAccount", "Add an account", "It is kept in the database, its secrets encrypted. It is watched at once; whether the login works is seen in its state. POST /v1/verify tries it before.", tag, Admin, 409, 422, 503)
	create.DefaultStatus = http.StatusCreated
	huma.Register(s.api, create, func(ctx context.Context, in *bodyOf[AccountSpec]) (*bodyOf[AccountSpec], error) {
		what := "account " + quote(in.Body.Name)
		if s.o.Accounts == nil {
			return nil, s.problem(ctx, ErrUnavailable, what)
		}
		errs := in.Body.check()
		if len(errs) == 0 && !in.Body.hasSecret() {
			errs = FieldErrors{{"password", "one of password, password_from, token_from and oauth is needed"}}
		}
		if len(errs) > 0 {
			return nil, s.problem(ctx, errs, what)
		}
		if err := s.o.Accounts.Create(ctx, in.Body); err != nil {
			return nil, s.problem(ctx, err, what)
		}
		s.o.Board.Changed()
		return &bodyOf[AccountSpec]{in.Body.withoutSecrets()}, nil
	})
	huma.Register(s.api, operation("PUT", "/v1/accounts/{name}", "replaceAccount", "Change an account",
		"The name stays. Without a password or such that which is there is kept, unless the server or the way to it changes: then it has to be given again.", tag, Admin, 404, 409, 422, 503), s.replaceAccount)
	huma.Register(s.api, operation("DELETE", "/v1/accounts/{name}", "deleteAccount", "Remove an account", "Its events stay in the journal.", tag, Admin, 404, 409, 503),
		func(ctx context.Context, in *AccountPath) (*struct{}, error) {
			what := "account " + quote(in.Name)
			if s.o.Accounts == nil {
				return nil, s.problem(ctx, ErrUnavailable, what)
			}
			if err := s.o.Accounts.Delete(ctx, in.Name); err != nil {
				return nil, s.problem(ctx, err, what)
			}
			s.o.Board.Forget(in.Name)
			return nil, nil
		})
	huma.Register(s.api, operation("POST", "/v1/verify", "verifySpec", "Try an account without adding it", "That the login fails is no error: the answer says why.", tag, Admin, 422, 503),
		func(ctx context.Context, in *bodyOf[AccountSpec]) (*bodyOf[Verification], error) {
			errs := in.Body.check()
			if len(errs) > 0 {
				return nil, s.problem(ctx, errs, "verify")
			}
			return s.verify(ctx, "verify", func() (Verification, error) { return s.o.Accounts.Verify(ctx, in.Body) })
		})
	huma.Register(s.api, operation("POST", "/v1/accounts/{name}/verify", "verifyAccount", "Log in to an account once", "That the login fails is no error: the answer says why.", tag, Write, 404, 503),
		func(ctx context.Context, in *AccountPath) (*bodyOf[Verification], error) {
			return s.verify(ctx, "account "+quote(in.Name), func() (Verification, error) { return s.o.Accounts.VerifyNamed(ctx, in.Name) })
		})
}

func (s *Server) verify(ctx context.Context, what string, try func() (Verification, error)) (*bodyOf[Verification], error) {
	if s.o.Accounts == nil {
		return nil, s.problem(ctx, ErrUnavailable, what)
	}
	v, err := try()
	if err != nil {
		return nil, s.problem(ctx, err, what)
	}
	return &bodyOf[Verification]{v}, nil
}

func (s *Server) listAccounts(_ context.Context, in *accountsIn) (*bodyOf[accountsOut], error) {
	out := accountsOut{States: map[status.State]int{}}
	want, err := in.states()
	if err != nil {
		return nil, err
	}
	field, descending := strings.CutPrefix(in.Sort, "-")
	q := strings.ToLower(in.Query)
	accounts := s.o.Board.Accounts()
	rows := make([]row[*status.Account], 0, len(accounts))
	for i := range accounts {
		a := &accounts[i]
		if q != "" && !strings.Contains(strings.ToLower(a.Name+"\n"+a.User+"\n"+a.Host), q) {
			continue
		}
		out.States[a.State]++
		if want.has(a.State) {
			rows = append(rows, row[*status.Account]{keyOfAccount(a, field), a.Name, a})
		}
	}
	out.Total = len(rows)
	found, next, err := page(rows, descending, in.Cursor, in.Limit)
	if err != nil {
		return nil, badCursor(err)
	}
	out.Next = next
	out.Items = make([]status.Account, len(found))
	for i, a := range found {
		out.Items[i] = *a
	}
	return &bodyOf[accountsOut]{out}, nil
}

func keyOfAccount(a *status.Account, field string) string {
	switch field {
	case "state":
		return keyOfNumber(int64(a.State.Severity()))
	case "verified_at":
		return keyOfTime(a.VerifiedAt)
	case "last_event_at":
		return keyOfTime(a.LastEventAt)
	case "mailboxes":
		return keyOfNumber(int64(a.Watched))
	}
	return ""
}

func (s *Server) getAccount(ctx context.Context, in *AccountPath) (*bodyOf[accountOut], error) {
	what := "account " + quote(in.Name)
	a, ok := s.o.Board.Account(in.Name)
	if !ok {
		return nil, s.problem(ctx, ErrNotFound, what)
	}
	out := accountOut{Account: a, Boxes: []status.Mailbox{}}
	for _, m := range a.Mailboxes {
		if m.Name != "" || m.Trouble != nil {
			out.Boxes = append(out.Boxes, m)
		}
	}
	if a.Origin == status.OriginAPI && s.o.Accounts != nil {
		spec, err := s.o.Accounts.Get(ctx, in.Name)
		if err != nil {
			return nil, s.problem(ctx, err, what)
		}
		spec = spec.withoutSecrets()
		out.Spec = &spec
	}
	return &bodyOf[accountOut]{out}, nil
}

func (s *Server) replaceAccount(ctx context.Context, in *struct {
	AccountPath
	Body AccountSpec
},
) (*bodyOf[AccountSpec], error) {
	what := "account " + quote(in.Name)
	if s.o.Accounts == nil {
		return nil, s.problem(ctx, ErrUnavailable, what)
	}
	before, err := s.o.Accounts.Get(ctx, in.Name)
	if err != nil {
		return nil, s.problem(ctx, err, what)
	}
	errs := in.Body.check()
	if in.Body.Name != in.Name {
		errs = append(errs, FieldError{"name", "an account keeps its name: remove it and add it under the other one"})
	}
	if !in.Body.hasSecret() && in.Body.sends() != before.sends() {
		errs = append(errs, FieldError{"password", "give it again, since the server or the way to it changes"})
	}
	if len(errs) > 0 {
		return nil, s.problem(ctx, errs, what)
	}
	if err := s.o.Accounts.Replace(ctx, in.Body); err != nil {
		return nil, s.problem(ctx, err, what)
	}
	s.o.Board.Changed()
	return &bodyOf[AccountSpec]{in.Body.withoutSecrets()}, nil
}

// states are those that a list is about.
type states []string

func (in *ListQuery) states() (states, error) {
	if in.State == "" {
		return nil, nil
	}
	all := []string{string(status.Good), string(status.Wait), string(status.Warn), string(status.Bad)}
	for _, s := range status.States() {
		all = append(all, string(s))
	}
	want := strings.Split(in.State, ",")
	for _, w := range want {
		if !slices.Contains(all, w) {
			return nil, huma.Error422UnprocessableEntity("there is no such state", &huma.ErrorDetail{Location: "query.state", Message: "want some of " + strings.Join(all, ", ")})
		}
	}
	return want, nil
}

func (s states) has(state status.State) bool {
	return s == nil || slices.Contains(s, string(state)) || slices.Contains(s, string(state.Level()))
}

func badCursor(err error) error {
	return huma.Error422UnprocessableEntity("this cursor cannot be used", &huma.ErrorDetail{Location: "query.cursor", Message: err.Error()})
}
