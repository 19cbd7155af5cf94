// Package bodies measures how long it takes to get the bodies of many small messages over a link with a
// round trip of some milliseconds: with one command, and with one a message.
package bodies

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pushmail/pushmail/imaptest"
)

const user, password = "jo", "pass"

// Run fetches all messages in each way, over a link of its own, and says how long it took from dialling to the last
// body. Who has not read what was sent is an error.
func Run(ctx context.Context, messages int, roundTrip time.Duration, seed uint64, ways []Way) (took []time.Duration, bytes int64, err error) {
	srv := imaptest.NewServer(&imaptest.ServerOptions{Plain: true})
	defer srv.Close()
	sent := fill(srv.AddUser(user, password).Mailbox("INBOX"), messages, seed)
	if err := srv.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, 0, err
	}
	far, err := newLink(srv.Addr().String(), roundTrip/2)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, far.close()) }()
	for _, w := range ways {
		var s seen
		began := time.Now()
		if err := w.run(ctx, far.addr(), messages, &s); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", w.Name, err)
		}
		took = append(took, time.Since(began))
		if s != sent {
			return nil, 0, fmt.Errorf("%s has not seen what was sent: %+v instead of %+v", w.Name, s, sent)
		}
	}
	return took, sent.bytes, nil
}

// fill puts messages of 1 to 7 KB into a mailbox.
func fill(m *imaptest.Mailbox, messages int, seed uint64) (s seen) {
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range messages {
		raw := fmt.Appendf(nil, "From: Jo <jo@example.org>\r\nTo: Al <al@example.org>\r\nSubject: message %d\r\nMessage-ID: <%d@example.org>\r\n\r\n", i, random.Uint64())
		for size := 1000 + random.IntN(6000); len(raw) < size; {
			raw = fmt.Appendf(raw, "%016x %016x %016x %016x\r\n", random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64())
		}
		m.Append(raw)
		s.add(raw)
	}
	return s
}
