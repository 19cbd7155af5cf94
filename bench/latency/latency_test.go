package latency

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"time"
)

// The floor prints the row of a message that arrives while it idles.
func TestFloorPrintsWhatArrives(t *testing.T) {
	s, err := NewServer()
	if err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- Floor(s.Addr(), s.CertPEM(), in) }()
	select {
	case <-s.idle:
	case err := <-done:
		t.Fatal(err)
	case <-time.After(patience):
		t.Fatal("the floor does not idle")
	}
	s.inbox.Append(message("hello"))
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "* 1 FETCH (UID 1 ") || !strings.Contains(line, `"hello"`) {
		t.Errorf("got %q, %v", line, err)
	}
	out.Close()
	s.Close()
	if err := <-done; err == nil {
		t.Error("the floor has ended without an error, though its server was closed")
	}
}
