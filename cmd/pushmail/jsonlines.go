package main

import (
	"fmt"
	"io"

	"github.com/pushmail/pushmail/watch"
)

// jsonLines writes each event as one CloudEvent in one line.
type jsonLines struct {
	w   io.Writer
	buf []byte
}

func (j *jsonLines) print(ev watch.Event) error {
	line, err := ev.CloudEvent().AppendJSON(j.buf[:0])
	if err != nil {
		return fmt.Errorf("event of UID %d: %w", ev.UID, err)
	}
	j.buf = append(line, '\n')
	return write(j.w, string(j.buf))
}
