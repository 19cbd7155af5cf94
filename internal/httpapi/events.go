package httpapi

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pushmail/pushmail/internal/journal"
)

// cloudEvent is an event as it leaves the program, in JSON.
type cloudEvent []byte

// MarshalJSON returns the event.
func (e cloudEvent) MarshalJSON() ([]byte, error) { return e, nil }

// Schema describes it; the types of data are described in docs/events.md.
func (cloudEvent) Schema(huma.Registry) *huma.Schema {
	text := func(doc string) *huma.Schema { return &huma.Schema{Type: "string", Description: doc} }
	return &huma.Schema{
		Type: "object", Description: "A CloudEvents 1.0 object; docs/events.md describes it by type", AdditionalProperties: true,
		Required: []string{"specversion", "id", "type", "source", "data"},
		Properties: map[string]*huma.Schema{
			"specversion": text("1.0"), "id": text("The same whenever the same thing is reported"), "type": text("Such as mail.message.new"),
			"source": text("The mailbox as a URL"), "subject": text("UID of the message"), "time": text("When it was seen"),
			"datacontenttype": text("application/json"), "data": {Type: "object", AdditionalProperties: true},
		},
	}
}

type record struct {
	Position   int64      `json:"position" doc:"Place in the journal: 1, 2, 3 and so on in the order of commit"`
	RecordedAt time.Time  `json:"recorded_at" doc:"When it was written into the journal"`
	Event      cloudEvent `json:"event"`
}

func newRecord(r *journal.Record) record {
	return record{int64(r.Position), r.RecordedAt, r.JSON}
}

// EventFilter chooses events.
type EventFilter struct {
	Account string    `query:"account" maxLength:"200" doc:"Only those of this account"`
	Mailbox string    `query:"mailbox" maxLength:"1000" doc:"Only those of mailboxes of this name"`
	Types   []string  `query:"type" maxItems:"32" doc:"Only those of these types, separated by commas"`
	Since   time.Time `query:"since" doc:"Only those recorded at or after this time"`
}

func (f *EventFilter) filter() journal.Filter {
	return journal.Filter{Account: f.Account, Mailbox: f.Mailbox, Types: f.Types, Since: f.Since}
}

type eventsIn struct {
	EventFilter
	After  int64 `query:"after" minimum:"0" doc:"Events after this position; next of the page before. 0 begins with the oldest that is kept"`
	Limit  int   `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Events at most"`
	Latest bool  `query:"latest" doc:"Instead of after: the last events, oldest of them first. At most the last 10,000 positions are looked at"`
}

// maxLook bounds how far back Latest looks for events that pass a filter.
const maxLook = 10000

type eventsOut struct {
	Items []record `json:"items" nullable:"false" doc:"Events by position"`
	// Next is where the next page begins, whether there is one or not.
	Next int64 `json:"next" doc:"What to give as after to read on. Everything up to it that matches has been returned"`
	Last int64 `json:"last" doc:"Position of the newest event in the journal, whether it matches or not"`
	Gap  *gap  `json:"gap,omitempty" doc:"Events between after and the first of these are not in the journal any more"`
}

// gap says that a reader is missing events.
type gap struct {
	After int64 `json:"after" doc:"What was asked for"`
	First int64 `json:"first" doc:"Position of the oldest event that is kept"`
	Last  int64 `json:"last" doc:"Position of the newest one; smaller than after when the journal was replaced by an older one"`
}

func (s *Server) routeEvents() {
	const tag = "events"
	huma.Register(s.api, operation("GET", "/v1/events", "listEvents", "Events out of the journal", "", tag, Read), s.listEvents)
	huma.Register(s.api, operation("GET", "/v1/events/{id}", "getEvent", "An event by its id", "", tag, Read, 404),
		func(ctx context.Context, in *struct {
			ID string `path:"id" maxLength:"100"`
		},
		) (*bodyOf[record], error) {
			r, err := s.o.Journal.Find(ctx, in.ID)
			if err != nil {
				return nil, s.problem(ctx, err, "event "+quote(in.ID))
			}
			return &bodyOf[record]{newRecord(&r)}, nil
		})
}

func (s *Server) listEvents(ctx context.Context, in *eventsIn) (*bodyOf[eventsOut], error) {
	out := eventsOut{Items: []record{}}
	var records []journal.Record
	var at place
	var err error
	if in.Latest {
		records, at, err = s.latest(ctx, in.Limit, in.filter())
	} else {
		out.Gap, err = s.gap(ctx, journal.Position(in.After))
		if err == nil && out.Gap != nil {
			in.After = out.Gap.First - 1
		}
		if err == nil {
			records, at, err = s.read(ctx, journal.Position(in.After), in.Limit, in.filter())
		}
	}
	if err != nil {
		return nil, s.problem(ctx, err, "events")
	}
	for i := range records {
		out.Items = append(out.Items, newRecord(&records[i]))
	}
	out.Next, out.Last = int64(at.next), int64(at.last)
	return &bodyOf[eventsOut]{out}, nil
}

// place is how far a reader has got.
type place struct{ next, last journal.Position }

// read returns records after a position, and where to go on: what is not after that has been returned or does not match.
func (s *Server) read(ctx context.Context, after journal.Position, limit int, f journal.Filter) ([]journal.Record, place, error) {
	last, err := s.o.Journal.Last(ctx) // before reading: what comes meanwhile may be missed, and is after it
	if err != nil {
		return nil, place{}, err
	}
	records, err := s.o.Journal.Read(ctx, after, limit, f)
	if err != nil {
		return nil, place{}, err
	}
	at := place{after, last}
	if len(records) > 0 {
		at.next = records[len(records)-1].Position
		at.last = max(last, at.next)
	}
	if len(records) < limit {
		at.next = max(at.next, last)
	}
	return records, at, nil
}

// latest returns the last records that match. It looks back in steps that grow.
func (s *Server) latest(ctx context.Context, limit int, f journal.Filter) ([]journal.Record, place, error) {
	last, err := s.o.Journal.Last(ctx)
	if err != nil {
		return nil, place{}, err
	}
	for look := journal.Position(limit); ; look *= 4 {
		look = min(look, maxLook)
		records, err := s.o.Journal.Read(ctx, max(last-look, 0), int(look), f)
		if err != nil {
			return nil, place{}, err
		}
		if len(records) >= limit || look == maxLook || look >= last {
			return tail(records, limit, last)
		}
	}
}

func tail(records []journal.Record, n int, last journal.Position) ([]journal.Record, place, error) {
	records = records[max(0, len(records)-n):]
	if len(records) > 0 {
		last = max(last, records[len(records)-1].Position)
	}
	return records, place{last, last}, nil
}

// gap tells of events after a position that the journal does not have: removed ones, or those of a journal that this one has
// replaced. Nil if there are none.
func (s *Server) gap(ctx context.Context, after journal.Position) (*gap, error) {
	if after == 0 {
		return nil, nil // from the beginning, wherever that is
	}
	first, err := s.o.Journal.First(ctx)
	if err != nil {
		return nil, err
	}
	last, err := s.o.Journal.Last(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case after > last:
		return &gap{int64(after), int64(last) + 1, int64(last)}, nil
	case after < first-1:
		return &gap{int64(after), int64(first), int64(last)}, nil
	}
	return nil, nil
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func quote(name string) string { return fmt.Sprintf("%.200q", name) }

func formatPosition(p journal.Position) string { return strconv.FormatInt(int64(p), 10) }
