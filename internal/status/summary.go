package status

import (
	"fmt"
	"slices"
	"time"
)

// Summary is the state of the program in a few numbers.
type Summary struct {
	Version   string        `json:"version"`
	StartedAt time.Time     `json:"started_at"`
	Now       time.Time     `json:"now" doc:"The clock of this machine: compare times with it"`
	Ready     bool          `json:"ready" doc:"Whether /readyz says so"`
	Reasons   []string      `json:"reasons" doc:"Why it is not ready, or what else is not well"`
	Accounts  map[State]int `json:"accounts" doc:"Number of accounts by state"`
	Mailboxes map[State]int `json:"mailboxes" doc:"Number of mailboxes by state"`
	Sinks     map[State]int `json:"sinks" doc:"Number of sinks by state"`
	// OldestVerifiedAt is the oldest of all mailboxes that were ever verified.
	OldestVerifiedAt time.Time         `json:"oldest_verified_at,omitzero" doc:"The oldest verified_at of all mailboxes that were verified at all"`
	Journal          Journal           `json:"journal"`
	Events           map[string]uint64 `json:"events" doc:"Events since the program started, by type"`
	EventsPerSecond  float64           `json:"events_per_second" doc:"In the last minute"`
}

// readyShare is the share of accounts that must be fresh for the program to be ready: one with a wrong password must not
// take it out of service, a lost network must.
const readyShare = 0.5

// Summary returns the state in a few numbers.
func (b *Board) Summary() Summary {
	s := Summary{
		Version: b.Version, StartedAt: b.started, Now: time.Now(), Reasons: []string{}, Journal: b.Journal(),
		Accounts: map[State]int{}, Mailboxes: map[State]int{}, Sinks: map[State]int{},
		Events: b.Events(), EventsPerSecond: b.Rate(time.Minute),
	}
	classes := map[string]int{}
	accounts := b.Accounts()
	fresh := 0
	for i := range accounts {
		a := &accounts[i]
		s.Accounts[a.State]++
		if a.fresh() {
			fresh++
		}
		if a.Trouble != nil && a.Level == Bad {
			classes[a.Trouble.Summary]++
		}
		for j := range a.Mailboxes {
			s.note(&a.Mailboxes[j])
		}
	}
	for _, k := range b.Sinks() {
		s.Sinks[k.State]++
	}
	s.judge(len(accounts), fresh, classes)
	return s
}

func (s *Summary) note(m *Mailbox) {
	if m.Name == "" {
		return
	}
	s.Mailboxes[m.State]++
	if !m.VerifiedAt.IsZero() && (s.OldestVerifiedAt.IsZero() || m.VerifiedAt.Before(s.OldestVerifiedAt)) {
		s.OldestVerifiedAt = m.VerifiedAt
	}
}

// judge decides on readiness. The reasons tell no names: /readyz is open to all.
func (s *Summary) judge(accounts, fresh int, classes map[string]int) {
	s.Ready = true
	if s.Journal.Trouble != nil {
		s.Ready = false
		s.Reasons = append(s.Reasons, s.Journal.Trouble.Summary)
	}
	if float64(fresh) < readyShare*float64(accounts) {
		s.Ready = false
		s.Reasons = append(s.Reasons, fmt.Sprintf("only %d of %d accounts are verified and not stale", fresh, accounts))
	}
	var more []string
	for summary, n := range classes {
		more = append(more, fmt.Sprintf("%d of %d accounts: %s", n, accounts, summary))
	}
	slices.Sort(more)
	s.Reasons = append(s.Reasons, more...)
	for _, state := range []State{Disabled, Down} {
		if n := s.Sinks[state]; n > 0 {
			s.Reasons = append(s.Reasons, fmt.Sprintf("%d sinks: %s", n, state))
		}
	}
}
