package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pushmail/pushmail/internal/secret"
	"github.com/pushmail/pushmail/internal/suggest"
	"github.com/pushmail/pushmail/internal/tlsfiles"
)

// check looks for what is wrong although each value by itself can be read.
func (l *loader) check() {
	c := l.cfg
	c.State = l.absolute(c.State)
	l.checkLog()
	l.checkAPI()
	l.checkLimits()
	l.checkSettings(l.root.at("defaults"), "defaults", &c.Defaults)
	for i := range c.Accounts {
		l.checkAccount(l.accounts[i], index("account", i), &c.Accounts[i])
	}
	l.unique(l.accounts, "account", func(i int) string { return c.Accounts[i].Name })
	for i := range c.Sinks {
		l.checkSink(l.sinks[i], index("sink", i), &c.Sinks[i])
	}
	l.unique(l.sinks, "sink", func(i int) string { return c.Sinks[i].Name })
	l.checkRoutes()
	l.checkRefs()
	l.share()
}

func (l *loader) checkLog() {
	if allowed := []string{"text", "json"}; !slices.Contains(allowed, l.cfg.Log.Format) {
		l.unknownWord(l.root.at("log").at("format"), "log.format", l.cfg.Log.Format, allowed)
	}
}

func (l *loader) checkLimits() {
	n := l.root.at("limits")
	l.within(n, "limits", "logins_per_second", l.cfg.Limits.LoginsPerSecond, 0, 1_000_000)
	l.within(n, "limits", "login_burst", l.cfg.Limits.LoginBurst, 1, 1_000_000)
}

// within reports a number that was given and is out of bounds.
func (l *loader) within(n *node, path, key string, value, least, most int) {
	if n.table[key] != nil && !l.bad[n.table[key]] && (value < least || value > most) {
		l.wrong(n.at(key), join(path, key), fmt.Sprintf("want %d to %d", least, most))
	}
}

// unique reports names that are given twice.
func (l *loader) unique(nodes []*node, list string, name func(int) string) {
	first := map[string]int{}
	for i, n := range nodes {
		text := name(i)
		if text == "" {
			continue
		}
		before, twice := first[text]
		if !twice {
			first[text] = i
			continue
		}
		at := n.at("name")
		if at == n {
			at = n.at("url")
		}
		place, _ := nodes[before].src.placeOf(nodes[before].key.start)
		l.report(at.src, at.place.start, Problem{
			Key:     join(index(list, i), "name"),
			Message: fmt.Sprintf("there is another %s with the name %s, at line %d of %s", list, quoted(text), place.Line, place.File),
			Hint:    "give it a name of its own: name = " + quoted(text+"-2"),
		})
	}
}

// checkName checks a name that people, logs and URLs of the API use.
func (l *loader) checkName(n *node, path, name string) {
	const longest = 200
	switch {
	case name == "":
	case len(name) > longest:
		l.wrong(n.at("name"), join(path, "name"), fmt.Sprintf("is longer than %d bytes", longest))
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.TrimSpace(name) != name:
		l.wrong(n.at("name"), join(path, "name"), "has characters that cannot be printed, or spaces around it")
	}
}

// checkRoutes checks where events go, and tells of sinks that none go to.
func (l *loader) checkRoutes() {
	c := l.cfg
	names, reached := map[string]bool{}, map[string]bool{}
	for _, s := range c.Sinks {
		names[s.Name] = true
	}
	for i, r := range c.Routes {
		n, path := l.routes[i], index("route", i)
		l.checkWhere(n, path, r.Where)
		if n.table["to"] == nil {
			l.missing(n, path, "to", `["NAME OF A SINK"]`)
		} else if len(r.To) == 0 {
			l.wrong(n.at("to"), join(path, "to"), "names no sink")
		}
		for j, name := range r.To {
			reached[name] = true
			if names[name] || name == "" && n.at("to").value == nil && n.at("to").list == nil {
				continue
			}
			at := n.at("to")
			if at.list != nil {
				at = at.list[j]
			}
			if _, ok := at.value.(string); ok {
				l.unknownSink(at, join(path, "to"), name)
			}
		}
	}
	for i, s := range c.Sinks {
		if len(c.Routes) > 0 && s.Type != "" && !reached[s.Name] {
			l.warn(l.sinks[i].at("name"), index("sink", i), "no route leads to "+quoted(s.Name)+": it gets no events", "name it in the to of a [[route]]")
		}
	}
}

func (l *loader) unknownSink(n *node, path, name string) {
	var names []string
	for _, s := range l.cfg.Sinks {
		names = append(names, s.Name)
	}
	hint := "there is none yet: add a [[sink]]"
	if word := suggest.Nearest(name, names); word != "" {
		hint = fmt.Sprintf("did you mean %q?", word)
	} else if len(names) > 0 {
		hint = "there are " + quotedList(names)
	}
	l.report(n.src, n.place.start, Problem{Key: path, Message: "there is no sink " + quoted(name), Hint: hint})
}

func (l *loader) checkWhere(n *node, path, where string) {
	if where == "" || l.o.Compile == nil {
		return
	}
	err := l.o.Compile(where)
	if err == nil {
		return
	}
	at := n.at("where")
	offset := at.place.start
	var with interface{ Offset() int }
	if errors.As(err, &with) && at.src != nil && at.src.text != nil {
		// A text on one line, without escapes, is where it is; of others the beginning is shown.
		raw := string(at.src.text[at.place.start:at.place.end])
		if i := strings.Index(raw, where); i >= 0 {
			offset += i + min(max(with.Offset(), 0), len(where))
		}
	}
	l.report(at.src, offset, Problem{Key: join(path, "where"), Message: err.Error()})
}

// checkRefs looks at what the references refer to, and warns of secrets in clear.
func (l *loader) checkRefs() {
	exposed := map[string]bool{}
	for _, f := range l.refs {
		if f.ref.InClear() {
			l.warn(f.n, f.path, "the secret is given in clear", clearHint(f.n))
			if f.n.src != nil && f.n.src.text != nil && !exposed[f.n.src.name] && secret.ReadableByOthers(f.n.src.name) {
				exposed[f.n.src.name] = true
				l.report(f.n.src, 0, Problem{Warning: true, Message: "has secrets, and other users of this machine can read it", Hint: "chmod 600 " + f.n.src.name})
			}
			continue
		}
		if l.o.ForOthers {
			continue
		}
		unsure, err := l.resolver.Check(*f.ref)
		switch {
		case err != nil && unsure:
			l.warn(f.n, f.path, err.Error(), "")
		case err != nil:
			l.wrong(f.n, f.path, err.Error())
		case f.ref.OpenToOthers():
			l.warn(f.n, f.path, "other users of this machine can read "+f.ref.Path(), "chmod 600 "+f.ref.Path())
		}
	}
}

// clearHint says how to refer to a secret, or which reference was meant.
func clearHint(n *node) string {
	text, _ := n.value.(string)
	prefix, _, ok := strings.Cut(text, ":")
	if word := suggest.Nearest(prefix, []string{"env", "file", "command", "keyring", "credential", "https"}); ok && word != "" {
		return fmt.Sprintf("if it is meant as a reference: did you mean %q?", word+":")
	}
	return `put it into a file that only you can read, and write "file:PATH"; or ` + secret.Forms
}

func (l *loader) checkAPI() {
	a, n := &l.cfg.API, l.root.table["api"]
	if n == nil {
		return
	}
	a.TLSCert, a.TLSKey = l.absolute(a.TLSCert), l.absolute(a.TLSKey)
	l.checkServerCert(n, a)
	seen := map[string]bool{}
	for i, t := range a.Tokens {
		at, path := n.at("tokens"), index("api.tokens", i)
		if i < len(at.list) {
			at = at.list[i]
		}
		if at.table == nil {
			continue
		}
		switch {
		case t.Name == "":
			l.missingIn(at, path, "name", `"ops"`)
		case seen[t.Name]:
			l.wrong(at.at("name"), join(path, "name"), "there is another token with this name")
		}
		seen[t.Name] = true
		if at.table["token"] == nil {
			l.missingIn(at, path, "token", `"file:PATH"`)
		}
		if len(t.Scopes) == 0 {
			l.missingIn(at, path, "scopes", `["read"]: of "read", "write" and "admin"`)
		}
	}
	l.checkListen(n.at("listen"), a)
}

// missingIn is missing for an inline table.
func (l *loader) missingIn(n *node, path, key, example string) {
	l.report(n.src, n.place.start, Problem{Key: path, Message: key + " is missing", Hint: "such as " + key + " = " + example})
}

func (l *loader) checkListen(n *node, a *API) {
	if a.Listen == "" {
		return
	}
	host, port, err := net.SplitHostPort(a.Listen)
	if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		l.report(n.src, n.place.start, Problem{Key: "api.listen", Message: "want HOST:PORT", Hint: `such as listen = "127.0.0.1:8025"; "" turns the API off`})
		return
	} else if number == 0 {
		l.warn(n, "api.listen", "port 0 is another one at each start", "")
	}
	if secret.Loopback(host) {
		return
	}
	if len(a.Tokens) == 0 {
		l.report(n.src, n.place.start, Problem{
			Key: "api.listen", Message: quoted(a.Listen) + " can be reached from elsewhere, and no token is asked for",
			Hint: `add tokens = [{ name = "ops", token = "file:PATH", scopes = ["read"] }], or listen on 127.0.0.1`,
		})
	}
	if a.TLSCert == "" {
		l.warn(n, "api.listen", "tokens and mail travel in cleartext", "set tls_cert and tls_key, or listen on 127.0.0.1 behind a proxy that speaks TLS")
	}
}

// checkServerCert loads the certificate of the API.
func (l *loader) checkServerCert(n *node, a *API) {
	switch {
	case a.TLSCert == "" && a.TLSKey == "":
	case a.TLSCert == "":
		l.wrong(n.at("tls_key"), "api.tls_key", "needs tls_cert")
	case a.TLSKey == "":
		l.wrong(n.at("tls_cert"), "api.tls_cert", "needs tls_key")
	case !l.o.ForOthers:
		if _, err := tls.LoadX509KeyPair(a.TLSCert, a.TLSKey); err != nil {
			l.wrong(n.at("tls_cert"), "api.tls_cert", "cannot be used: "+err.Error())
		}
	}
}

// checkFiles makes the files of TLS absolute, and reads those that this table names.
func (l *loader) checkFiles(n *node, path string, ca, cert, key *string) {
	*ca, *cert, *key = l.absolute(*ca), l.absolute(*cert), l.absolute(*key)
	if l.o.ForOthers {
		return
	}
	if n.table["ca_file"] != nil && *ca != "" {
		if _, err := tlsfiles.Load(tlsfiles.Files{CA: *ca}); err != nil {
			l.wrong(n.at("ca_file"), join(path, "ca_file"), err.Error())
		}
	}
	if n.table["client_cert"] == nil && n.table["client_key"] == nil {
		return
	}
	if _, err := tlsfiles.Load(tlsfiles.Files{Cert: *cert, Key: *key}); err != nil {
		at := "client_cert"
		if *cert == "" {
			at = "client_key"
		}
		l.wrong(n.at(at), join(path, at), "cannot be used: "+err.Error())
	}
}
