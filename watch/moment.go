package watch

import "time"

// moment is a time in a third of the memory: nanoseconds since the program has started, by the clock that is never set. There are
// very many mailboxes, and each remembers when this and that was. The zero value is no time, as that of time.Time.
type moment int64

var epoch = time.Now().Add(-1)

// now is time.Now as a moment.
func now() moment { return momentOf(time.Now()) }

func momentOf(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return max(moment(t.Sub(epoch)), -1<<62) // what is long past must not overflow on the way back
}

// time is the way back: what the calendar says of m now.
func (m moment) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	now := time.Now()
	return now.Add(time.Duration(m - momentOf(now)))
}

// since is time.Since.
func (m moment) since() time.Duration { return time.Since(m.time()) }

// ahead reports whether m is still to come.
func (m moment) ahead() bool { return m != 0 && now() < m }
