package imapclient

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/pushmail/pushmail/imapwire"
)

// Trace writes what client and server say, a line each, to W: "C: " before the client's, "S: "
// before the server's. Secrets are masked by their place in the protocol: arguments of LOGIN, all
// of an AUTHENTICATE exchange, and URLs of URLAUTH. One Trace may serve many connections.
type Trace struct {
	// W gets the lines, one Write each. Its errors are ignored.
	W io.Writer
	// Timestamps puts the time (RFC 3339, milliseconds, UTC) before each line.
	Timestamps bool
	// Label is put before each line, to tell connections apart.
	Label string
	// MaxLine cuts the longer part of what is written of one response or literal. Zero means 2,000
	// bytes; negative does not cut.
	MaxLine int

	mu  sync.Mutex
	buf []byte
}

const mask = "********"

// client logs what is sent. A nil Trace does nothing.
func (t *Trace) client(seg imapwire.Segment) {
	if t != nil {
		t.write("C: ", seg.Redacted())
	}
}

// clientSecret logs that something was sent that must not be shown.
func (t *Trace) clientSecret() {
	if t != nil {
		t.write("C: ", []byte(mask))
	}
}

// server logs a response. While authenticating, what follows a "+" is masked: it can hold a
// challenge that helps to guess the password.
func (t *Trace) server(data []byte, authenticating bool) {
	if t == nil {
		return
	}
	if authenticating && len(data) > 2 && data[0] == '+' {
		data = []byte("+ " + mask)
	}
	t.write("S: ", withoutSignedURLs(data))
}

// withoutSignedURLs masks responses with URLs that open messages to whoever has them (RFC 4467 section 9).
func withoutSignedURLs(data []byte) []byte {
	for _, name := range [...]string{"* GENURLAUTH ", "* URLFETCH "} {
		if n := len(name); len(data) > n && bytes.EqualFold(data[:n], []byte(name)) {
			return []byte(name + mask)
		}
	}
	return data
}

// note logs what happened to the connection: "TLS started".
func (t *Trace) note(text string) {
	if t != nil {
		t.write("-- ", []byte(text))
	}
}

func (t *Trace) write(prefix string, data []byte) {
	data = bytes.TrimRight(data, "\r\n")
	limit := t.MaxLine
	if limit == 0 {
		limit = 2000
	}
	cut := 0
	if limit > 0 && len(data) > limit {
		cut = len(data) - limit
		data = data[:limit]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.buf[:0]
	if t.Timestamps {
		b = time.Now().UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z ")
	}
	if t.Label != "" {
		b = append(append(b, t.Label...), ' ')
	}
	b = append(b, prefix...)
	for i, line := range bytes.Split(data, []byte("\n")) {
		if i > 0 {
			b = append(append(b, '\n'), prefix...)
		}
		b = append(b, bytes.TrimSuffix(line, []byte("\r"))...)
	}
	if cut > 0 {
		b = append(b, " … "...)
		b = appendInt(b, cut)
		b = append(b, " bytes more"...)
	}
	b = append(b, '\n')
	_, _ = t.W.Write(b)
	if cap(b) <= 64<<10 {
		t.buf = b
	}
}
