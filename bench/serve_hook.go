package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// hook is a webhook that acknowledges all it gets, and notes when.
type hook struct {
	url    string
	server *http.Server

	mu     sync.Mutex
	bodies []received    // guarded by mu
	want   int           // guarded by mu
	full   chan struct{} // guarded by mu: closed when as many came
	again  int           // guarded by mu
}

type received struct {
	at   int64
	body []byte
}

func newHook() (*hook, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &hook{url: "http://" + l.Addr().String() + "/"}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = h.server.Serve(l) }()
	return h, nil
}

func (h *hook) close() { _ = h.server.Close() }

// ServeHTTP notes the time after which nothing but the answer is left to do.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
	at := time.Now().UnixNano()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bodies = append(h.bodies, received{at, body})
	if len(h.bodies) == h.want {
		close(h.full)
	}
}

// expect forgets what came, and has wait wait for n.
func (h *hook) expect(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bodies, h.want, h.full = nil, n, make(chan struct{})
}

// wait returns when each message came first.
func (h *hook) wait(ctx context.Context) (map[message]int64, error) {
	h.mu.Lock()
	full := h.full
	h.mu.Unlock()
	select {
	case <-full:
	case <-time.After(5 * time.Minute):
		return nil, errors.New("the webhook did not get all messages within 5 minutes")
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	got := make(map[message]int64, len(h.bodies))
	h.again = 0
	for _, b := range h.bodies {
		var ev struct {
			Data struct {
				Account string `json:"account"`
				UID     uint32 `json:"uid"`
			} `json:"data"`
		}
		if err := json.Unmarshal(b.body, &ev); err != nil {
			return nil, fmt.Errorf("the webhook got %q: %w", b.body, err)
		}
		user, err := strconv.Atoi(ev.Data.Account)
		if err != nil {
			return nil, fmt.Errorf("the webhook got %q", b.body)
		}
		if _, ok := got[message{user, ev.Data.UID}]; ok {
			h.again++
			continue
		}
		got[message{user, ev.Data.UID}] = b.at
	}
	return got, nil
}

// repeated is how many messages came more than once.
func (h *hook) repeated() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.again
}
