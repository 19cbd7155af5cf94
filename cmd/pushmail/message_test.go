package main

import (
	"testing"

	"github.com/pushmail/pushmail/event"
)

func TestByteSize(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 KB", 2301: "2.3 KB", 9949: "9.9 KB", 9950: "10 KB", 345_678: "346 KB",
		999_499: "999 KB", 999_500: "1.0 MB", 25_000_000: "25 MB", 3_200_000_000: "3.2 GB", 1 << 62: "4.6 EB",
	} {
		if got := byteSize(n); got != want {
			t.Errorf("byteSize(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSender(t *testing.T) {
	t.Parallel()
	with := func(from ...event.Address) *event.Summary {
		return &event.Summary{Envelope: &event.Envelope{From: from}}
	}
	jo := event.Address{Name: "Jo Doe", Address: "jo@example.org"}
	for want, s := range map[string]*event.Summary{
		"(no sender)":                with(),
		"Jo Doe <jo@example.org>":    with(jo),
		"Jo Doe <jo@example.org> +2": with(jo, jo, jo),
		"jo@example.org":             with(event.Address{Address: "jo@example.org"}),
		"Jo":                         with(event.Address{Name: "Jo"}),
		"?[2J <x?y@z>":               with(event.Address{Name: "\x1b[2J", Address: "x\x07y@z"}),
	} {
		if got := sender(s); got != want {
			t.Errorf("sender(%+v) = %q, want %q", s.Envelope.From, got, want)
		}
	}
	if got := sender(nil); got != "(no sender)" {
		t.Errorf("sender(nil) = %q", got)
	}
}
