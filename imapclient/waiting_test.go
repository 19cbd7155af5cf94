package imapclient_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

func TestWaitingCanBeChanged(t *testing.T) {
	session(t, `
		C: {i} IDLE
		S: + idling
		wait 9m
		C: DONE
		S: {i} OK done
		C: {j} IDLE
		S: + idling
		wait 2m
		C: DONE
		S: {j} OK done
		C: {k} IDLE
		S: + idling
		C: DONE
		S: {k} OK done
		C: {n} NOOP
		S: {n} OK done
		wait 30s
		C: {p} NOOP
		S: {p} OK done
	`, nil, func(t *testing.T, ctx context.Context, c *imapclient.Conn) {
		wait := func() {
			t.Helper()
			if err := c.Wait(ctx); err != nil {
				t.Error(err)
			}
		}
		wait()
		c.SetWaiting(imapclient.Waiting{IdleRestart: 2 * time.Minute})
		wait()
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
		c.SetWaiting(imapclient.Waiting{NoIdle: true, PollInterval: 30 * time.Second})
		wait()
	})
}

// What comes between IDLE and DONE is pushed; what comes after DONE is not.
func TestIdlingTellsPushedFromAnswered(t *testing.T) {
	var got []string
	var c *imapclient.Conn
	o := plain()
	o.Observer = func(r imap.Response) {
		if exists, ok := r.(imap.Exists); ok && c != nil {
			_, on := c.Idling()
			got = append(got, fmt.Sprint(exists, " ", on))
		}
	}
	session(t, `
		C: {i} IDLE
		S: * 4 EXISTS
		S: + idling
		wait 1m
		S: * 5 EXISTS
		C: DONE
		S: * 6 EXISTS
		S: {i} OK done
		C: {n} NOOP
		S: * 7 EXISTS
		S: {n} OK done
	`, o, func(t *testing.T, ctx context.Context, conn *imapclient.Conn) {
		c = conn
		began := time.Now()
		if since, on := c.Idling(); on || !since.IsZero() {
			t.Errorf("IDLE since %v (%v) before it was begun", since, on)
		}
		for range 2 {
			if err := c.Wait(ctx); err != nil {
				t.Error(err)
			}
		}
		if since, on := c.Idling(); !on || !since.Equal(began) {
			t.Errorf("IDLE since %v (%v)", since, on)
		}
		if err := c.Noop(ctx); err != nil {
			t.Error(err)
		}
		if s := fmt.Sprint(got); s != "[4 true 5 true 6 false 7 false]" {
			t.Errorf("heard %s", s)
		}
	})
}
