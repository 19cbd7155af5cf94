package pushmail

import (
	"bytes"
	"sync"
)

// output collects the events of stdout. A last line without its end (the program was killed while writing it) is none: a
// reader of the stream would not have acted on it.
type output struct {
	text       buffer // everything, as it came
	parse      bool
	stuckAfter int           // events after which Write blocks; 0 is never
	gone       chan struct{} // closed by unstick
	once       sync.Once     // for gone

	mu      sync.Mutex // guards what follows
	rest    []byte     // of an unfinished line
	events  []Event
	err     error         // a line was no event
	changed chan struct{} // closed and replaced when there is something new
}

func newOutput(parse bool, stuckAfter int) *output {
	return &output{parse: parse, stuckAfter: stuckAfter, gone: make(chan struct{}), changed: make(chan struct{})}
}

func (o *output) unstick() { o.once.Do(func() { close(o.gone) }) }

func (o *output) Write(p []byte) (int, error) {
	if _, err := o.text.Write(p); err != nil {
		return 0, err
	}
	if !o.parse {
		return len(p), nil
	}
	if n := o.parseLines(p); o.stuckAfter > 0 && n >= o.stuckAfter {
		<-o.gone
	}
	return len(p), nil
}

// parseLines takes more bytes and returns how many events there are.
func (o *output) parseLines(p []byte) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest = append(o.rest, p...)
	for {
		line, rest, found := bytes.Cut(o.rest, []byte("\n"))
		if !found {
			break
		}
		o.rest = rest
		e, err := parseEvent(string(line))
		if err != nil && o.err == nil {
			o.err = err
		}
		o.events = append(o.events, e)
	}
	close(o.changed)
	o.changed = make(chan struct{})
	return len(o.events)
}

// since returns the events from index from on and a channel that is closed when there is more.
func (o *output) since(from int) ([]Event, <-chan struct{}, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.events[from:], o.changed, o.err
}
