package status

import (
	"time"
)

// Where an account comes from.
const (
	OriginFile = "file" // the configuration file: it is changed there
	OriginAPI  = "api"  // added by the API and kept in the database
)

// Account is the state of an account. The fields down to Mailboxes come from those who watch it; [Board.Accounts] adds
// the others.
type Account struct {
	Name string `json:"name" doc:"Name of the account, unique"`
	User string `json:"user,omitempty" doc:"User name at the server"`
	Host string `json:"host,omitempty" doc:"Host and port of the server"`
	// Origin is OriginFile or OriginAPI.
	Origin string `json:"origin" enum:"file,api" doc:"Where the account comes from: the configuration file, or this API"`
	// Err is why the account cannot go on; "" if it does.
	Err string `json:"-"`
	// Ending is since when connections with settings that were replaced are being ended; zero if none are. Until they have
	// the account is not watched.
	Ending time.Time `json:"-"`
	// Mailboxes are those that are watched; the one without a name is the connection that looks at the others.
	Mailboxes []Mailbox `json:"-"`

	State State `json:"state" doc:"Worst state of its mailboxes"`
	Level Level `json:"level" enum:"good,wait,warn,bad" doc:"How much attention the state wants"`
	// Method is the Push of its mailboxes: the fastest, when they differ.
	Method string `json:"method,omitempty" doc:"How news is learned: idle, notify, sweep or poll; the fastest, when mailboxes differ"`
	// VerifiedAt is that of the mailbox for which it is longest ago; zero if one was never verified.
	VerifiedAt  time.Time `json:"verified_at,omitzero" doc:"When it was last proven that nothing is missing, for the mailbox where that is longest ago; absent if never"`
	LastEventAt time.Time `json:"last_event_at,omitzero" doc:"When the last event was seen, since the program started"`
	Watched     int       `json:"mailboxes" doc:"Number of mailboxes watched"`
	WatchedUp   int       `json:"mailboxes_up" doc:"Number of those that are open and not stale"`
	Trouble     *Trouble  `json:"trouble,omitempty" doc:"What is wrong and what to do; absent if all is well"`
}

// Mailbox is the state of one mailbox. The fields down to Exists are those of watch.MailboxStatus.
type Mailbox struct {
	Account    string    `json:"account"`
	Name       string    `json:"mailbox"`
	Up         bool      `json:"-"`
	Shared     bool      `json:"-"` // it has no connection of its own
	Busy       time.Time `json:"busy_since,omitzero" doc:"Since when work on it goes on; absent if it waits"`
	VerifiedAt time.Time `json:"verified_at,omitzero" doc:"When it was last proven that nothing is missing; absent if never"`
	Stale      bool      `json:"-"`
	Deaf       bool      `json:"-"`
	DeafCount  int       `json:"deaf_count,omitempty" doc:"How often the server failed to tell of a change"`
	Reason     string    `json:"-"`
	Class      string    `json:"-"`
	Since      time.Time `json:"-"`
	RetryAt    time.Time `json:"-"`
	Push       string    `json:"method,omitempty" doc:"How news is learned: idle, notify, sweep or poll"`
	Exists     int       `json:"messages" doc:"Number of messages known"`

	State       State     `json:"state"`
	Level       Level     `json:"level" enum:"good,wait,warn,bad"`
	LastEventAt time.Time `json:"last_event_at,omitzero" doc:"When the last event was seen, since the program started"`
	Trouble     *Trouble  `json:"trouble,omitempty" doc:"What is wrong and what to do; absent if all is well"`
}

// patience is how long a trouble that should pass by itself may last before it is called Down.
const patience = 15 * time.Minute

// judge sets what follows from the other fields.
func (m *Mailbox) judge(now time.Time) {
	m.State = m.state(now)
	m.Level = m.State.Level()
	m.Trouble = m.trouble()
}

func (m *Mailbox) state(now time.Time) State {
	switch {
	case m.Stale:
		return Stale
	case m.Up && m.Deaf:
		return Deaf
	case m.Up:
		return Up
	case m.Reason == "":
		return Starting
	case wantsHand(m.Class), !m.Since.IsZero() && now.Sub(m.Since) >= patience:
		return Down
	}
	return Reconnecting
}

func (m *Mailbox) trouble() *Trouble {
	switch {
	case m.State == Up, m.State == Starting:
		return nil
	case m.State == Deaf:
		return explain("deaf", "", m.Name)
	case m.Up || m.Reason == "": // stale
		t := explain("stale", m.Reason, m.Name)
		t.Since, t.RetryAt = m.VerifiedAt, m.RetryAt
		return t
	}
	t := explain(m.Class, m.Reason, m.Name)
	t.Since, t.RetryAt = m.Since, m.RetryAt
	return t
}

// judge sets what follows from the mailboxes.
func (a *Account) judge(now time.Time) {
	a.State, a.Trouble = Up, nil
	if len(a.Mailboxes) == 0 {
		a.State = Starting
	}
	never := false
	for i := range a.Mailboxes {
		m := &a.Mailboxes[i]
		m.Account = a.Name
		m.judge(now)
		if m.State.Severity() > a.State.Severity() {
			a.State, a.Trouble = m.State, m.Trouble
		}
		if m.Name != "" {
			a.Watched++
			if m.Up && !m.Stale {
				a.WatchedUp++
			}
		}
		never = never || m.VerifiedAt.IsZero()
		if a.VerifiedAt.IsZero() || m.VerifiedAt.Before(a.VerifiedAt) {
			a.VerifiedAt = m.VerifiedAt
		}
		if m.LastEventAt.After(a.LastEventAt) {
			a.LastEventAt = m.LastEventAt
		}
		a.Method = faster(a.Method, m.Push)
	}
	if never {
		a.VerifiedAt = time.Time{}
	}
	switch {
	case a.Err != "":
		a.State, a.Trouble = Failed, explain("failed", a.Err, "")
	case !a.Ending.IsZero():
		a.State, a.Trouble = Reconnecting, explain("ending", "", "")
		if now.Sub(a.Ending) >= patience {
			a.State = Down
		}
		a.Trouble.Since = a.Ending
	}
	a.Level = a.State.Level()
}

// fresh reports whether nothing is known to be missing: a connection that was lost a moment ago is no reason to doubt it.
func (a *Account) fresh() bool {
	return a.State == Up || a.State == Deaf || a.State == Reconnecting && !a.VerifiedAt.IsZero()
}

// faster returns the way of learning news that tells sooner.
func faster(a, b string) string {
	rank := map[string]int{"poll": 1, "sweep": 2, "notify": 3, "idle": 4}
	if rank[b] > rank[a] {
		return b
	}
	return a
}
