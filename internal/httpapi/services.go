package httpapi

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/status"
)

// Journal is what the API needs of the journal; see journal.Log.
type Journal interface {
	Read(ctx context.Context, after journal.Position, limit int, f journal.Filter) ([]journal.Record, error)
	Find(ctx context.Context, id string) (journal.Record, error)
	First(ctx context.Context) (journal.Position, error)
	Last(ctx context.Context) (journal.Position, error)
	Wait(ctx context.Context, after journal.Position) error
}

// Accounts changes the accounts that are kept in the database. Errors are those below, or a [*FieldErrors].
type Accounts interface {
	// Get returns what describes an account, without secrets.
	Get(ctx context.Context, name string) (AccountSpec, error)
	// Create begins to watch a new account, and returns when it is kept for good.
	Create(ctx context.Context, spec AccountSpec) error
	// Replace changes an account. Without a password or such in spec, that which is there is kept.
	Replace(ctx context.Context, spec AccountSpec) error
	// Delete ends an account and forgets it.
	Delete(ctx context.Context, name string) error
	// Verify logs in once as spec says and lists the mailboxes. It changes nothing. That the login fails is no error.
	Verify(ctx context.Context, spec AccountSpec) (Verification, error)
	// VerifyNamed is Verify for an account that is there, with its own secrets.
	VerifyNamed(ctx context.Context, name string) (Verification, error)
}

// Sinks steers deliveries. Errors are those below, or a [*FieldErrors].
type Sinks interface {
	// Pause stops deliveries until Resume, over restarts, too. The reason is shown to people.
	Pause(ctx context.Context, sink, reason string) error
	// Resume goes on after Pause, or after the receiver has disabled the sink.
	Resume(ctx context.Context, sink string) error
	// DeadLetters returns up to limit dead letters after a position, by position; those of all sinks without a name. Rows of
	// the same position are not cut apart, so there may be a few more.
	DeadLetters(ctx context.Context, sink string, after journal.Position, limit int) ([]journal.DeadLetter, error)
	// Revive has dead letters delivered again, Drop forgets them; without positions all of the sink. They return how many.
	Revive(ctx context.Context, sink string, positions ...journal.Position) (int, error)
	Drop(ctx context.Context, sink string, positions ...journal.Position) (int, error)
	// Failing returns up to limit events that hold up mailboxes of a sink after a position, by position.
	Failing(ctx context.Context, sink string, after journal.Position, limit int) ([]journal.Pending, error)
	// Skip gives up such events, those of some ids or without ids all: they are dead letters then. It returns how many. ErrConflict, wrapped,
	// says that one of them holds nothing up.
	Skip(ctx context.Context, sink string, ids ...string) (int, error)
	// Replay has events sent to a sink once more, and returns how many.
	Replay(ctx context.Context, sink string, r ReplayRequest) (int, error)
}

// ReplayRequest chooses events that are sent once more: those of IDs, or all that the other fields leave over.
type ReplayRequest struct {
	IDs []string `json:"ids,omitempty" maxItems:"1000" nullable:"false" doc:"Ids of events; then nothing else is given"`
	// From and To are positions, both included; 0 is no bound.
	From int64 `json:"from,omitempty" minimum:"1" doc:"First position"`
	To   int64 `json:"to,omitempty" minimum:"1" doc:"Last position"`
	// Since and Until are compared with the time when an event was recorded; zero is no bound.
	Since   time.Time `json:"since,omitzero" doc:"Events recorded at or after this time"`
	Until   time.Time `json:"until,omitzero" doc:"Events recorded before this time"`
	Account string    `json:"account,omitempty" doc:"Events of this account only"`
	Types   []string  `json:"types,omitempty" maxItems:"32" nullable:"false" doc:"Events of these types only"`
}

// Verification is what came of logging in once.
type Verification struct {
	OK bool `json:"ok" doc:"Whether the login worked"`
	// Trouble is why not.
	Trouble *status.Trouble `json:"trouble,omitempty" doc:"Why it did not, and what to do"`
	Server  string          `json:"server,omitempty" doc:"The name that the server gives itself"`
	// Push is how news would be learned.
	Push      string   `json:"method,omitempty" doc:"How news would be learned: notify, idle or poll"`
	Mailboxes []string `json:"mailboxes,omitempty" nullable:"false" doc:"Mailboxes that would be watched"`
	Seconds   float64  `json:"seconds" doc:"How long it took"`
}

// Errors of services.
var (
	// ErrNotFound: there is no account, sink or event of that name.
	ErrNotFound = errors.New("not found")
	// ErrExists: there is an account of that name already.
	ErrExists = errors.New("exists already")
	// ErrInFile: the account is in the configuration file and has to be changed there.
	ErrInFile = errors.New("it is in the configuration file: change it there, then reload")
	// ErrNoKey: credentials cannot be kept, since there is no key to seal them with.
	ErrNoKey = errors.New("accounts with credentials cannot be kept: set [secrets] key in the configuration file")
	// ErrConflict: wrapped with what there is that the request does not fit.
	ErrConflict = errors.New("not as things are now")
	// ErrUnavailable: not now; wrapped with why.
	ErrUnavailable = errors.New("not possible now")
)

// FieldError says what is wrong with a field of a request.
type FieldError struct {
	// Field is the place, such as "url" or "mailboxes[2]".
	Field string
	// Message says what is wrong and what is wanted. It must not repeat a secret.
	Message string
}

// FieldErrors are all that is wrong with a request.
type FieldErrors []FieldError

func (e FieldErrors) Error() string {
	all := make([]string, len(e))
	for i, f := range e {
		all[i] = f.Field + ": " + f.Message
	}
	return strings.Join(all, "; ")
}
