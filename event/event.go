package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Type is the "type" of an event.
type Type string

// The types. A reader must expect more of them.
const (
	TypeMessageNew     Type = "mail.message.new"
	TypeMessageExpunge Type = "mail.message.expunge"
	TypeFlagChange     Type = "mail.message.flags"
	TypeMailboxOpen    Type = "mail.mailbox.open"
	TypeMailboxReset   Type = "mail.mailbox.reset"
	TypeMailboxName    Type = "mail.mailbox.name"
	TypeLink           Type = "mail.link"
)

// Types returns all types that this package knows.
func Types() []Type {
	return []Type{
		TypeMessageNew, TypeMessageExpunge, TypeFlagChange, TypeMailboxOpen, TypeMailboxReset, TypeMailboxName, TypeLink,
	}
}

// Event is one CloudEvents 1.0 object in JSON format. Make one with [New].
type Event struct {
	// ID is unique for its Source. An event that is delivered again has the same one: see [ID].
	ID string
	// Source is the mailbox or the account as a URL: see [SourceURL].
	Source string
	// Subject is the UID of the message in decimal, "" for events that are not about one.
	Subject string
	// Time is when the change was seen. It leaves in UTC with milliseconds.
	Time time.Time
	// Data is the change. It also says what Type the event has.
	Data Data
}

// Data is what an event says. It is one of *[MessageNew], *[MessageExpunge], *[FlagChange], *[MailboxOpen],
// *[MailboxReset], *[MailboxName], *[Link], and *[Unknown].
type Data interface {
	// Type returns the type of the event that carries the data.
	Type() Type
	// subject returns [Event.Subject].
	subject() string
	// identify writes what the ID is made of.
	identify(h *identity)
	// wire returns a copy as it leaves: valid UTF-8, no null for an empty list, times in UTC.
	wire() any
}

// New returns the event that says d, which was seen at the given time. The source is from [SourceURL].
func New(source string, at time.Time, d Data) *Event {
	return &Event{ID: ID(d, at), Source: source, Subject: d.subject(), Time: at, Data: d}
}

// Type returns the type of the event, "" without Data.
func (e *Event) Type() Type {
	if e.Data == nil {
		return ""
	}
	return e.Data.Type()
}

// ContentType is the media type of an event in JSON (CloudEvents JSON format, section 3).
const ContentType = "application/cloudevents+json"

const (
	specVersion = "1.0"
	dataType    = "application/json"
	timeLayout  = "2006-01-02T15:04:05.000Z"
)

// envelope is the event on the wire; the order of its fields is that of docs/events.md.
type envelope[T any] struct {
	SpecVersion     string `json:"specversion"`
	ID              string `json:"id"`
	Type            Type   `json:"type"`
	Source          string `json:"source"`
	Subject         string `json:"subject,omitempty"`
	Time            string `json:"time,omitempty"`
	DataContentType string `json:"datacontenttype,omitempty"`
	Data            T      `json:"data"`
}

// AppendJSON appends the event as one line of JSON without the line end. Unlike [json.Marshal] it
// leaves "<", ">" and "&" as they are, so that addresses stay readable.
func (e *Event) AppendJSON(dst []byte) ([]byte, error) {
	if e.Data == nil || e.ID == "" || e.Source == "" || e.Type() == "" {
		return dst, errors.New("event: an event needs an id, a source and data")
	}
	out := envelope[any]{
		SpecVersion: specVersion, ID: clean(e.ID), Type: e.Type(), Source: clean(e.Source), Subject: clean(e.Subject),
		DataContentType: dataType, Data: e.Data.wire(),
	}
	if !e.Time.IsZero() {
		out.Time = e.Time.UTC().Format(timeLayout)
	}
	buf := bytes.NewBuffer(dst)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return dst, fmt.Errorf("event %s: %w", e.ID, err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// MarshalJSON is [Event.AppendJSON] for encoding/json.
func (e Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil) }

// UnmarshalJSON reads an event. Fields that this package does not know are ignored; a type that it
// does not know gives *[Unknown]. The rest of CloudEvents is not needed: data in base64 is an error.
func (e *Event) UnmarshalJSON(text []byte) error {
	var in envelope[json.RawMessage]
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	if !strings.HasPrefix(in.SpecVersion, "1.") {
		return fmt.Errorf("event: specversion is %q, not 1.0", in.SpecVersion)
	}
	if in.ID == "" || in.Type == "" || in.Source == "" || len(in.Data) == 0 {
		return errors.New("event: id, type, source and data must be there")
	}
	out := Event{ID: in.ID, Source: in.Source, Subject: in.Subject, Data: newData(in.Type)}
	if in.Time != "" {
		at, err := time.Parse(time.RFC3339, in.Time)
		if err != nil {
			return fmt.Errorf("event %s: %w", in.ID, err)
		}
		out.Time = at
	}
	if u, ok := out.Data.(*Unknown); ok {
		u.Raw = in.Data
	} else if err := json.Unmarshal(in.Data, out.Data); err != nil {
		return fmt.Errorf("event %s: data: %w", in.ID, err)
	}
	*e = out
	return nil
}

func newData(t Type) Data {
	switch t {
	case TypeMessageNew:
		return new(MessageNew)
	case TypeMessageExpunge:
		return new(MessageExpunge)
	case TypeFlagChange:
		return new(FlagChange)
	case TypeMailboxOpen:
		return new(MailboxOpen)
	case TypeMailboxReset:
		return new(MailboxReset)
	case TypeMailboxName:
		return new(MailboxName)
	case TypeLink:
		return new(Link)
	}
	return &Unknown{Name: t}
}

// Unknown is the data of an event whose type this package does not know: from a newer program.
type Unknown struct {
	Name Type
	Raw  json.RawMessage
}

// Type returns the unknown type.
func (d *Unknown) Type() Type           { return d.Name }
func (d *Unknown) subject() string      { return "" }
func (d *Unknown) identify(h *identity) { h.text(string(d.Raw)) }
func (d *Unknown) wire() any            { return d.Raw }
