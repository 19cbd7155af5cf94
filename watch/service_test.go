package watch

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/provider"
)

func TestClientOptionsComeFromTheProvider(t *testing.T) {
	dial := func(context.Context, string, string) (net.Conn, error) { return nil, nil }
	hand := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: time.Hour}}
	for _, tt := range []struct {
		name        string
		o           Options
		idle, poll  time.Duration
		mask        int
		keepAlive   time.Duration // silence until the first probe, 0 if Client's Dialer stays
		userTimeout time.Duration
		budget      int
	}{
		{"nothing known", Options{Client: imapclient.Options{Addr: "mail.example.org"}}, 9 * time.Minute, time.Minute, 0, 20 * time.Second, 50 * time.Second, 4},
		{"Outlook", Options{Client: imapclient.Options{Addr: "outlook.office365.com:993"}}, 4 * time.Minute, time.Minute, 0, 20 * time.Second, 50 * time.Second, 4},
		{"163", Options{Client: imapclient.Options{Addr: "imap.163.com"}}, 55 * time.Second, 55 * time.Second, 0, 20 * time.Second, 50 * time.Second, 4},
		{"Strato", Options{Client: imapclient.Options{Addr: "imap.strato.de", MaskCapabilities: []imap.Capability{"X"}}}, 9 * time.Minute, time.Minute, 2, 20 * time.Second, 50 * time.Second, 4},
		{"set by hand", Options{Client: imapclient.Options{Addr: "imap.163.com", IdleRestart: time.Hour, PollInterval: 2 * time.Minute, UserTimeout: time.Minute, Dialer: hand}}, time.Hour, 2 * time.Minute, 0, 0, time.Minute, 4},
		{"other bound", Options{DeadPeer: 5 * time.Minute, Client: imapclient.Options{Addr: "mail.example.org"}}, 9 * time.Minute, time.Minute, 0, 100 * time.Second, 250 * time.Second, 4},
		{"no bound", Options{DeadPeer: -1, Client: imapclient.Options{Addr: "mail.example.org"}}, 9 * time.Minute, time.Minute, 0, 0, 0, 4},
		{"own way to dial", Options{Client: imapclient.Options{Addr: "mail.example.org", DialContext: dial}}, 9 * time.Minute, time.Minute, 0, 0, 0, 4},
	} {
		tt.o.Hosts = &Hosts{}
		before := tt.o.Client.Dialer
		o, err := tt.o.resolved()
		if err != nil {
			t.Fatal(err)
		}
		co := o.clientOptions(o.service(nil, nil))
		if co.IdleRestart != tt.idle || co.PollInterval != tt.poll || len(co.MaskCapabilities) != tt.mask || co.UserTimeout != tt.userTimeout {
			t.Errorf("%s: IDLE %v, poll %v, mask %v, user timeout %v", tt.name, co.IdleRestart, co.PollInterval, co.MaskCapabilities, co.UserTimeout)
		}
		var got time.Duration
		if co.Dialer != before {
			ka := co.Dialer.KeepAliveConfig
			got = ka.Idle
			if found := ka.Idle + time.Duration(ka.Count)*ka.Interval; found >= o.DeadPeer {
				t.Errorf("%s: a dead peer is found after %v, not within %v", tt.name, found, o.DeadPeer)
			}
		}
		if got != tt.keepAlive {
			t.Errorf("%s: the first probe comes after %v, want %v", tt.name, got, tt.keepAlive)
		}
		if n := o.connections(4); n != tt.budget {
			t.Errorf("%s: %d connections", tt.name, n)
		}
	}
}

func TestIntroductionIsNeverLeftOutWhereItIsNeeded(t *testing.T) {
	for host, want := range map[string]int{"imap.163.com": 1, "mail.example.org": 0} {
		o, err := (Options{Client: imapclient.Options{Addr: host}, ClientID: []imap.Attribute{}, Hosts: &Hosts{}}).resolved()
		if err != nil {
			t.Fatal(err)
		}
		if n := len(o.introduction(o.service(nil, nil))); n != want {
			t.Errorf("%s: ID with %d fields, want %d", host, n, want)
		}
	}
}

// A table of one's own is asked before the one that is built in; what it does not know is looked up there.
func TestProvidersAreLookedUpInTheTableThatIsGiven(t *testing.T) {
	table, err := provider.Standard().Extend(strings.NewReader(`[{"id": "ours", "hosts": ["mail.example.org"], "idle_restart": "3m"}]`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		table provider.Table
		addr  string
		want  string
	}{
		{table, "mail.example.org:993", "ours"},
		{table, "imap.gmail.com:993", "gmail"},
		{provider.Table{table.Get("ours")}, "imap.gmail.com:993", "gmail"},
		{nil, "mail.example.org:993", provider.Other},
	} {
		o := Options{Providers: tt.table}
		o.Client.Addr = tt.addr
		if got := o.service(nil, nil).ID; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.addr, got, tt.want)
		}
	}
}
