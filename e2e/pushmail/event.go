package pushmail

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// The types of events.
const (
	New     = "mail.message.new"
	Expunge = "mail.message.expunge"
	Flags   = "mail.message.flags"
	Open    = "mail.mailbox.open"
	Reset   = "mail.mailbox.reset"
	Link    = "mail.link"
)

// Event is one line of the program's output, read independently of the packages that wrote it.
type Event struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Type        string `json:"type"`
	Source      string `json:"source"`
	Subject     string `json:"subject"` // the UID in message events
	Time        string `json:"time"`
	Data        Data   `json:"data"`

	Raw string `json:"-"` // the line itself
}

// Data has the fields of all types that tests look at.
type Data struct {
	Account     string   `json:"account"`
	Mailbox     string   `json:"mailbox"`
	UIDValidity uint32   `json:"uidvalidity"`
	UID         uint32   `json:"uid"`
	Reuse       string   `json:"uid_reuse"`
	Flags       []string `json:"flags"`
	Added       []string `json:"added"`
	Removed     []string `json:"removed"`
	Envelope    struct {
		Subject   string `json:"subject"`
		MessageID string `json:"message_id"`
	} `json:"envelope"`

	// mail.mailbox.open
	Exists  uint32 `json:"exists"`
	Method  string `json:"method"`
	Resumed bool   `json:"resumed"`

	// mail.link
	Up     *bool  `json:"up"`
	Reason string `json:"reason"`
	Stale  bool   `json:"stale"`
}

func parseEvent(line string) (Event, error) {
	e := Event{Raw: line}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		return e, fmt.Errorf("not an event: %w: %s", err, line)
	}
	if e.SpecVersion != "1.0" || e.ID == "" || e.Type == "" || e.Source == "" {
		return e, fmt.Errorf("not a CloudEvent 1.0: %s", line)
	}
	return e, nil
}

// MessageSubject is the subject line of the message that a message event is about.
func (e Event) MessageSubject() string { return e.Data.Envelope.Subject }

// Content is the event without what may differ between two reports of the same happening: when it was noticed and the
// session's \Recent. Two events with one id must have one content.
func (e Event) Content() string {
	var fields map[string]any
	if err := json.Unmarshal([]byte(e.Raw), &fields); err != nil {
		return e.Raw
	}
	delete(fields, "time")
	if data, ok := fields["data"].(map[string]any); ok {
		if flags, ok := data["flags"].([]any); ok {
			data["flags"] = slices.DeleteFunc(flags, func(f any) bool { return f == `\Recent` })
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return e.Raw
	}
	return string(text)
}

// Is returns a condition: the event has this type.
func Is(kind string) func(Event) bool {
	return func(e Event) bool { return e.Type == kind }
}

// NewMessage returns a condition: the event reports the arrival of the message with this subject line.
func NewMessage(subject string) func(Event) bool {
	return func(e Event) bool { return e.Type == New && e.MessageSubject() == subject }
}

// About returns a condition: the event has this type and is about this UID.
func About(kind string, uid uint32) func(Event) bool {
	subject := strconv.FormatUint(uint64(uid), 10)
	return func(e Event) bool { return e.Type == kind && e.Subject == subject }
}
