package watch

import (
	"context"
	"time"
)

// longAway is how long a consumer may keep an event before the connection, which nobody has looked after meanwhile, is in doubt.
const longAway = time.Minute

// askAfterAbsence has the server answer before more is reported to a consumer that was away for long, and the truth be
// asked for afterwards.
func (s *session) askAfterAbsence(ctx context.Context) error {
	if !s.b.away {
		return nil
	}
	s.b.away = false
	s.doubt()
	return s.link.prove(ctx, "an answer after the consumer was away")
}
