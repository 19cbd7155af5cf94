package main

import (
	"io"
	"strings"
	"sync"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
)

// script keeps what client and server said, as a trace has it: without secrets. Some of it no method tells:
// the greeting, which mechanisms were tried, when the "+" of IDLE came.
type script struct {
	mu    sync.Mutex
	lines []string
	size  int
	cut   bool // there was more
	plus  func()
}

// maxScript bounds what is kept, in bytes.
const maxScript = 1 << 20

// trace returns a trace for one connection that goes to the script, and to log if that is not nil.
func (s *script) trace(log *imapclient.Trace, label string) *imapclient.Trace {
	if log == nil {
		return &imapclient.Trace{W: &scribe{script: s}, Label: label}
	}
	return &imapclient.Trace{W: &scribe{s, log.W}, Timestamps: log.Timestamps, Label: label, MaxLine: log.MaxLine}
}

// scribe writes to a script and to a log.
type scribe struct {
	script *script
	log    io.Writer
}

func (w *scribe) Write(text []byte) (int, error) {
	w.script.add(string(text))
	if w.log != nil {
		return w.log.Write(text)
	}
	return len(text), nil
}

func (s *script) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(said(text, "S: "), "+") && s.plus != nil {
		s.plus()
		s.plus = nil
	}
	if s.size += len(text); s.size > maxScript {
		s.cut = true
		return
	}
	for line := range strings.Lines(text) {
		s.lines = append(s.lines, imap.Printable(strings.TrimRight(line, "\n")))
	}
}

// said returns what one side said in a line of a trace, "" if the other one did.
func said(line, side string) string {
	other := map[string]string{"S: ": "C: ", "C: ": "S: "}[side]
	i := strings.Index(line, side)
	if i < 0 || strings.Contains(line[:i], other) {
		return ""
	}
	return strings.TrimSpace(line[i+len(side):])
}

// onPlus has f called when the server says "+" next. f must not block.
func (s *script) onPlus(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plus = f
}

// all returns the lines so far.
func (s *script) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := s.lines[:len(s.lines):len(s.lines)]
	if s.cut {
		return append(lines, "-- there was more")
	}
	return lines
}

// greeting is the text that the server said first, without "* OK" and a code.
func (s *script) greeting() string {
	for _, line := range s.all() {
		text := strings.TrimPrefix(said(line, "S: "), "* OK ")
		if strings.HasPrefix(text, "[") {
			if _, after, found := strings.Cut(text, "]"); found {
				text = strings.TrimSpace(after)
			}
		}
		if text != "" {
			return clean(strings.TrimPrefix(text, "* "))
		}
	}
	return ""
}

// mechanisms are the ways to log in that were tried, in order.
func (s *script) mechanisms() []string {
	var tried []string
	for _, line := range s.all() {
		words := strings.Fields(said(line, "C: "))
		switch {
		case len(words) > 2 && words[1] == "AUTHENTICATE":
			tried = append(tried, strings.ToUpper(words[2]))
		case len(words) > 1 && words[1] == "LOGIN":
			tried = append(tried, string(imapauth.LoginCommand))
		}
	}
	return tried
}
