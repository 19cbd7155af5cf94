package main

import (
	"fmt"
	"strings"

	"github.com/pushmail/pushmail/event"
)

// sender is who a message is from, for people.
func sender(s *event.Summary) string {
	if s == nil || s.Envelope == nil || len(s.Envelope.From) == 0 {
		return "(no sender)"
	}
	from := s.Envelope.From[0]
	name, address := clean(from.Name), clean(from.Address)
	text := fmt.Sprintf("%s <%s>", name, address)
	switch {
	case name == "":
		text = address
	case address == "":
		text = name
	}
	if n := len(s.Envelope.From) - 1; n > 0 {
		text += fmt.Sprintf(" +%d", n)
	}
	return text
}

// subject is the subject of a message, for people.
func subject(s *event.Summary) string {
	if s == nil || s.Envelope == nil {
		return "(unknown)"
	}
	if text := clean(s.Envelope.Subject); text != "" {
		return text
	}
	return "(no subject)"
}

// details are the size and the attachments of a message: "2.3 KB, 1 attachment".
func details(s *event.Summary) string {
	if s == nil {
		return ""
	}
	var parts []string
	if s.Size > 0 {
		parts = append(parts, byteSize(s.Size))
	}
	if n := len(s.Attachments); n > 0 {
		parts = append(parts, count(n, "attachment"))
	}
	return strings.Join(parts, ", ")
}

// byteSize is a number of bytes in steps of a thousand: "2.3 KB".
func byteSize(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, units := float64(n), "KMGTPE"
	for v /= 1000; v >= 999.5 && len(units) > 1; v /= 1000 {
		units = units[1:]
	}
	if v < 9.95 {
		return fmt.Sprintf("%.1f %cB", v, units[0])
	}
	return fmt.Sprintf("%.0f %cB", v, units[0])
}

// count is a number with its noun: "1 message", "2 messages".
func count[N int | int64 | uint32](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
