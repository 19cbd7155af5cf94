package provider

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// period is a duration as people write it: "9m".
type period time.Duration

func (d period) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *period) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%w: want a duration such as 9m or 1h30m", err)
	}
	*d = period(v)
	return nil
}

// plain is a Provider without methods.
type plain Provider

// row is a Provider in JSON, with durations as text.
type row struct {
	*plain
	IdleRestart  *period `json:"idle_restart,omitempty"`
	Drops        *period `json:"drops,omitempty"`
	KeepAlive    *period `json:"keep_alive,omitempty"`
	SessionLife  *period `json:"session_life,omitempty"`
	TokenSession *period `json:"token_session,omitempty"`
	PollInterval *period `json:"poll_interval,omitempty"`
}

func (p *Provider) row() *row {
	r := &row{plain: (*plain)(p)}
	for _, f := range []struct {
		to   **period
		from *time.Duration
	}{
		{&r.IdleRestart, &p.IdleRestart},
		{&r.Drops, &p.Drops},
		{&r.KeepAlive, &p.KeepAlive},
		{&r.SessionLife, &p.SessionLife},
		{&r.TokenSession, &p.TokenSession},
		{&r.PollInterval, &p.PollInterval},
	} {
		*f.to = (*period)(f.from)
	}
	return r
}

// MarshalJSON writes durations as "9m0s".
func (p *Provider) MarshalJSON() ([]byte, error) {
	r := p.row()
	for _, d := range []**period{&r.IdleRestart, &r.Drops, &r.KeepAlive, &r.SessionLife, &r.TokenSession, &r.PollInterval} {
		if **d == 0 {
			*d = nil
		}
	}
	return json.Marshal(r)
}

// UnmarshalJSON changes the fields that are there and leaves the others. A field that does not exist is an error.
func (p *Provider) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(p.row())
}
