package journal

import (
	"time"

	"github.com/pushmail/pushmail/event"
)

// Position is a place in the journal: 1, 2, 3 and so on in the order of commit. None is used twice, even after the
// event at it was removed. 0 is before the first.
type Position int64

// Record is an event in the journal.
type Record struct {
	// Position is given by the journal; [Journal.Append] ignores it.
	Position Position
	// ID is that of the event: the same whenever the same thing is reported.
	ID string
	// Type is that of the event, such as "mail.message.new".
	Type string
	// Account and Mailbox are where it happened; Mailbox is empty for what concerns the whole account.
	Account, Mailbox string
	// Source is that of the event. What has the same Source is delivered in order.
	Source string
	// Time is when it was noticed, RecordedAt when it was written into the journal, which sets it. Both are kept
	// with milliseconds.
	Time, RecordedAt time.Time
	// JSON is the event as it leaves the program: a CloudEvent on one line.
	JSON []byte
}

// MaxJSON is how many bytes Record.JSON may have. Events are bounded by package watch far below.
const MaxJSON = 16 << 20

// NewRecord returns the record of an event of an account.
func NewRecord(account, mailbox string, ev *event.Event) (Record, error) {
	text, err := ev.AppendJSON(nil)
	if err != nil {
		return Record{}, err
	}
	return Record{
		ID: ev.ID, Type: string(ev.Type()), Account: account, Mailbox: mailbox, Source: ev.Source, Time: ev.Time, JSON: text,
	}, nil
}

// Filter chooses records. Fields that are zero choose all.
type Filter struct {
	Account, Mailbox string
	// Source is that of the records: one mailbox, or what concerns a whole account. There is an index on it.
	Source string
	// Types are those that are wanted.
	Types []string
	// Since leaves out what was recorded before.
	Since time.Time
}
