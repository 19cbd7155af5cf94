package config

import (
	"errors"
	"time"
)

// From says which messages are reported as new when a mailbox is watched for the first time. The zero value is none of those
// that are there.
type From struct {
	all  bool
	back time.Duration
	at   time.Time
}

// Time returns the time for watch.Options.Since, if the account is watched first at now.
func (f From) Time(now time.Time) time.Time {
	switch {
	case f.all:
		return time.Unix(0, 0)
	case f.back != 0:
		return now.Add(-f.back)
	}
	return f.at
}

// UnmarshalText reads "now", "all", a time back such as "24h" or "7d", or a time.
func (f *From) UnmarshalText(text []byte) error {
	switch string(text) {
	case "now":
		*f = From{}
		return nil
	case "all":
		*f = From{all: true}
		return nil
	}
	if d, err := parseDuration(string(text)); err == nil && d > 0 {
		*f = From{back: d}
		return nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, string(text), time.Local); err == nil {
			*f = From{at: t.UTC()}
			return nil
		}
	}
	return errors.New(`want "now", "all", a time back such as "24h" or "7d", or a time such as "2026-01-31" or "2026-01-31T08:00:00Z"`)
}

// String returns what UnmarshalText reads.
func (f From) String() string {
	switch {
	case f.all:
		return "all"
	case f.back != 0:
		return formatDuration(f.back)
	case f.at.IsZero():
		return "now"
	}
	return f.at.Format(time.RFC3339)
}

// MarshalText returns String.
func (f From) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
