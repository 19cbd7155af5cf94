package config

import (
	"cmp"
	"net"
	"reflect"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/internal/secret"
)

// decodeAccounts reads the accounts. What they leave out is as the defaults say.
func (l *loader) decodeAccounts() {
	l.cfg.Accounts = slices.Grow(l.cfg.Accounts, len(l.accounts))
	for i, n := range l.accounts {
		l.cfg.Accounts = append(l.cfg.Accounts, l.decodeAccount(n, index("account", i)))
	}
}

// share has accounts whose settings are equal, as are those of neighbours as a rule, have them in common.
func (l *loader) share() {
	last := l.cfg.Defaults.Common
	for i := range l.cfg.Accounts {
		a := &l.cfg.Accounts[i]
		if reflect.DeepEqual(a.Common, last) {
			a.Common = last
		}
		last = a.Common
	}
}

func (l *loader) decodeAccount(n *node, path string) Account {
	a := Account{Settings: l.cfg.Defaults}
	common := *l.cfg.Defaults.Common
	a.Common = &common
	// What one says of logging in or of mailboxes replaces all that the defaults say of it.
	if n.table["password"] != nil || n.table["token"] != nil || n.table["oauth"] != nil {
		a.Password, a.Token, a.OAuth = secret.Ref{}, secret.Ref{}, nil
	}
	if n.table["mailboxes"] != nil || n.table["all_mailboxes"] != nil {
		a.Mailboxes, a.AllMailboxes = nil, false
	}
	if n.table["client_cert"] != nil {
		a.ClientKey = ""
	}
	l.decodeTable(n, path, explainAccount, &a)
	if a.URL != nil {
		a.Name = cmp.Or(a.Name, accountName(a.URL))
	}
	return a
}

// accountName is what "pushmail watch" calls an account, too: USER@HOST, with the port if it is unusual.
func accountName(u *imapclient.URL) string {
	if u.User == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(u.Addr)
	if err != nil || port == "993" || port == "143" {
		return u.User + "@" + cmp.Or(host, u.Addr)
	}
	return u.User + "@" + u.Addr
}

// explainAccount helps with keys that people try.
func explainAccount(key string) string {
	switch strings.ToLower(key) {
	case "host", "hostname", "server", "port", "user", "username", "tls", "ssl", "security":
		return `host, port, user and TLS are in the url: url = "imaps://USER@HOST:PORT"; imap:// means STARTTLS`
	case "mailbox", "folder", "folders":
		return `it is called mailboxes: mailboxes = ["INBOX"]`
	case "include":
		return "the content of events is chosen by headers, preview, text and brief; include, for further files, stands at the top"
	case "pass", "passwd", "password_file", "password_command":
		return "it is called password, and says where it is: " + `password = "file:PATH"`
	case "where", "to", "sinks":
		return `a [[route]] says which events go to which sinks: where = 'account == "…"'`
	}
	return ""
}

// decodeSinks reads the sinks: the keys that all have, and those of their type.
func (l *loader) decodeSinks() {
	for i, n := range l.sinks {
		l.cfg.Sinks = append(l.cfg.Sinks, l.decodeSink(n, index("sink", i)))
	}
}

func (l *loader) decodeSink(n *node, path string) Sink {
	var s Sink
	if t := n.table["type"]; t != nil {
		l.decode(t, join(path, "type"), reflect.ValueOf(&s.Type).Elem())
	} else {
		l.missing(n, path, "type", `"webhook"`)
	}
	of := s.prepare()
	if of == nil { // type is wrong, and has been reported: what belongs to it cannot be known
		for _, key := range n.keys() {
			if key != "type" && key != "name" {
				n.table[key].hide()
			}
		}
		if name, ok := n.at("name").value.(string); ok {
			s.Name = name
		}
		return s
	}
	spreadNetworks(n.table["allow"])
	l.decodeTable(n, path, s.explain, &s, of)
	s.Name = cmp.Or(s.Name, string(s.Type))
	return s
}

// prepare sets the struct that the type of the sink asks for, with its defaults, and returns it; nil for none.
func (s *Sink) prepare() any {
	switch s.Type {
	case Stdout:
		s.Stdout = &StdoutSink{}
		return s.Stdout
	case Exec:
		s.Exec = &ExecSink{Timeout: defaultTimeout, Concurrency: 4}
		return s.Exec
	case Webhook:
		s.Webhook = &WebhookSink{Timeout: defaultTimeout, Concurrency: 8}
		return s.Webhook
	case NATS:
		s.NATS = &NATSSink{Timeout: defaultTimeout / 3, Subject: "pushmail.events"}
		return s.NATS
	case File:
		s.Files = &FileSink{}
		return s.Files
	}
	return nil
}

// explain helps with a key that belongs to sinks of other types.
func (s *Sink) explain(key string) string {
	for _, t := range words[reflect.TypeFor[SinkType]()] {
		other := Sink{Type: SinkType(t)}
		fields := map[string]reflect.Value{}
		addFields(fields, reflect.ValueOf(other.prepare()).Elem())
		if _, ok := fields[key]; ok {
			return "sinks of type " + t + " have it, those of type " + string(s.Type) + " do not"
		}
	}
	return ""
}

func (l *loader) decodeRoutes() {
	for i, n := range l.routes {
		var r Route
		l.decodeTable(n, index("route", i), nil, &r)
		r.Place, _ = n.src.placeOf(n.key.start)
		l.cfg.Routes = append(l.cfg.Routes, r)
	}
}
