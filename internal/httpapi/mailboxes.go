package httpapi

import (
	"context"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pushmail/pushmail/internal/status"
)

type mailboxesIn struct {
	ListQuery
	Account string `query:"account" maxLength:"200" doc:"Only those of this account"`
	Sort    string `query:"sort" enum:"name,-name,state,-state,verified_at,-verified_at,last_event_at,-last_event_at" default:"name" doc:"Order; with - from the end. name is that of the account, then that of the mailbox"`
}

type mailboxesOut struct {
	Items []status.Mailbox `json:"items" nullable:"false"`
	Next  string           `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
	Total int              `json:"total" doc:"How many match, on all pages"`
}

func (s *Server) routeMailboxes() {
	huma.Register(s.api, operation("GET", "/v1/mailboxes", "listMailboxes", "Mailboxes of all accounts and how they are", "", "accounts", Read), s.listMailboxes)
}

func (s *Server) listMailboxes(_ context.Context, in *mailboxesIn) (*bodyOf[mailboxesOut], error) {
	want, err := in.states()
	if err != nil {
		return nil, err
	}
	field, descending := strings.CutPrefix(in.Sort, "-")
	q := strings.ToLower(in.Query)
	var rows []row[*status.Mailbox]
	accounts := s.o.Board.Accounts()
	for i := range accounts {
		a := &accounts[i]
		if in.Account != "" && in.Account != a.Name {
			continue
		}
		for j := range a.Mailboxes {
			m := &a.Mailboxes[j]
			if m.Name == "" || !want.has(m.State) || q != "" && !strings.Contains(strings.ToLower(a.Name+"\n"+m.Name), q) {
				continue
			}
			rows = append(rows, row[*status.Mailbox]{keyOfMailbox(m, field), a.Name + "\x01" + m.Name, m})
		}
	}
	found, next, err := page(rows, descending, in.Cursor, in.Limit)
	if err != nil {
		return nil, badCursor(err)
	}
	out := mailboxesOut{Items: make([]status.Mailbox, len(found)), Next: next, Total: len(rows)}
	for i, m := range found {
		out.Items[i] = *m
	}
	return &bodyOf[mailboxesOut]{out}, nil
}

func keyOfMailbox(m *status.Mailbox, field string) string {
	switch field {
	case "state":
		return keyOfNumber(int64(m.State.Severity()))
	case "verified_at":
		return keyOfTime(m.VerifiedAt)
	case "last_event_at":
		return keyOfTime(m.LastEventAt)
	}
	return ""
}
