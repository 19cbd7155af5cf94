package config

import (
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/pushmail/pushmail/internal/secret"
)

// defaultTimeout is how long a sink may take unless given.
const defaultTimeout = 30 * time.Second

func isLoopback(u *url.URL) bool { return secret.Loopback(u.Hostname()) }

func (l *loader) checkSink(n *node, path string, s *Sink) {
	l.checkName(n, path, s.Name)
	if n.table["retry"] != nil && !l.bad[n.table["retry"]] && (len(s.Retry) == 0 || len(s.Retry) > 100) {
		l.wrong(n.at("retry"), join(path, "retry"), "want 1 to 100 pauses; leave it out for the usual schedule")
	}
	switch {
	case s.Stdout != nil:
		if slices.ContainsFunc(l.cfg.Sinks, func(o Sink) bool { return o.Stdout != nil && o.Stdout != s.Stdout }) {
			l.wrong(n.at("type"), join(path, "type"), "there can be one sink for standard output")
		}
	case s.Exec != nil:
		l.checkExec(n, path, s.Exec)
	case s.Webhook != nil:
		l.checkWebhook(n, path, s.Webhook)
	case s.NATS != nil:
		l.checkNATS(n, path, s.NATS)
	case s.Files != nil:
		l.checkFile(n, path, s.Files)
	}
}

func (l *loader) checkExec(n *node, path string, s *ExecSink) {
	l.positive(n, path, "timeout", s.Timeout, day)
	l.within(n, path, "concurrency", s.Concurrency, 1, 1000)
	s.Dir = l.absolute(s.Dir)
	if info, err := os.Stat(s.Dir); s.Dir != "" && !l.o.ForOthers && (err != nil || !info.IsDir()) {
		l.wrong(n.at("dir"), join(path, "dir"), "there is no such directory")
	}
	for name := range s.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			l.wrong(n.at("env").at(name), join(path, "env"), quoted(name)+" is not the name of an environment variable")
		}
	}
	at := n.at("command")
	switch {
	case n.table["command"] == nil:
		l.missing(n, path, "command", `["/usr/local/bin/on-mail"]`)
	case len(s.Command) == 0 || s.Command[0] == "":
		if at.list != nil || at.value == "" {
			l.wrong(at, join(path, "command"), "names no program")
		}
	case at.list == nil && strings.ContainsAny(s.Command[0], " \t"):
		l.report(at.src, at.place.start, Problem{Key: join(path, "command"), Message: "no shell takes it apart into words", Hint: `write each word by itself: command = ["PROGRAM", "ARGUMENT"]`})
	default:
		if _, err := exec.LookPath(s.Command[0]); err != nil {
			l.report(at.src, at.place.start, Problem{Key: join(path, "command"), Message: "cannot run " + quoted(s.Command[0]) + ": there is no such program", Hint: "write the whole path of a file that can be executed"})
		}
	}
}

func (l *loader) checkWebhook(n *node, path string, s *WebhookSink) {
	l.positive(n, path, "timeout", s.Timeout, time.Hour)
	l.within(n, path, "concurrency", s.Concurrency, 1, 1000)
	l.checkGiveUp(n, path, s.GiveUpOn)
	l.checkFiles(n, path, &s.CAFile, &s.ClientCert, &s.ClientKey)
	if n.table["url"] == nil {
		l.missing(n, path, "url", `"https://HOST/PATH"`)
	} else if _, ok := n.at("url").value.(string); ok {
		l.checkWebhookURL(n.at("url"), join(path, "url"), s)
	}
	for name, value := range s.Headers {
		at, path := n.at("headers").at(name), join(path, "headers")
		switch {
		case !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value):
			l.wrong(at, path, quoted(name)+" is not a header field")
		case strings.EqualFold(name, "Authorization"):
			at.hide()
			l.report(at.src, at.place.start, Problem{Key: path, Message: "Authorization is not set here", Hint: `write token = "file:PATH", which is sent as Authorization: Bearer TOKEN`})
		case strings.HasPrefix(strings.ToLower(name), "webhook-") || slices.Contains([]string{"content-type", "content-length", "host"}, strings.ToLower(name)):
			l.wrong(at, path, quoted(name)+" is set by pushmail itself")
		}
	}
	if len(s.Secrets) == 0 && n.table["secret"] == nil {
		l.warn(n, path, "requests are not signed: the receiver cannot tell who sent them", `secret = "file:PATH", with "whsec_" and the base64 of 24 to 64 random bytes in it`)
	}
}

// checkGiveUp checks the statuses that end all tries. 410 has a meaning of its own, and these ask for another try: 408, 425, 429.
func (l *loader) checkGiveUp(n *node, path string, statuses []int) {
	for i, status := range statuses {
		if status < 400 || status > 499 || slices.Contains([]int{408, 410, 425, 429}, status) {
			at := n.at("give_up_on")
			if at.list != nil {
				at = at.list[i]
			}
			l.wrong(at, join(path, "give_up_on"), "want statuses from 400 to 499 by which a receiver refuses an event for good, such as 422; 408, 410, 425 and 429 are none")
		}
	}
}

func (l *loader) checkWebhookURL(n *node, path string, s *WebhookSink) {
	u, err := url.Parse(s.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		n.hide()
		l.wrong(n, path, `want "https://HOST/PATH"`)
		return
	case u.User != nil:
		n.hide()
		l.report(n.src, n.place.start, Problem{Key: path, Message: "user and password do not belong into the URL", Hint: `take them out; token = "file:PATH" is sent as Authorization: Bearer TOKEN`})
	case u.Fragment != "":
		l.wrong(n, path, `"#" and what follows it is never sent: leave it out`)
	case u.Scheme == "http" && !isLoopback(u):
		l.warn(n, path, "events travel in cleartext", "use https://")
	}
	l.checkEgress(n, path, u, s.Allow)
}

// checkEgress: what is certain to be refused when it is connected to is said now.
func (l *loader) checkEgress(n *node, path string, u *url.URL, allow []netip.Prefix) {
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		if !isLoopback(u) {
			return
		}
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	addr = addr.Unmap()
	for _, word := range []string{"loopback", "private", "link-local"} {
		for _, network := range networks[word] {
			if netip.MustParsePrefix(network).Contains(addr) && !slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(addr) }) {
				l.report(n.src, n.place.start, Problem{
					Key: path, Message: "is a " + word + " address, which a webhook does not connect to unless it is allowed",
					Hint: "add allow = [" + quoted(word) + "]",
				})
			}
		}
	}
}

func (l *loader) checkNATS(n *node, path string, s *NATSSink) {
	l.positive(n, path, "timeout", s.Timeout, time.Hour)
	l.checkFiles(n, path, &s.CAFile, &s.ClientCert, &s.ClientKey)
	if n.table["url"] == nil {
		l.missing(n, path, "url", `"nats://HOST:4222"`)
	}
	for i, text := range s.URLs {
		at := n.at("url")
		if i < len(at.list) {
			at = at.list[i]
		}
		if _, ok := at.value.(string); !ok {
			continue
		}
		u, err := url.Parse(text)
		switch {
		case err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
			at.hide()
			l.wrong(at, join(path, "url"), `want "nats://HOST:4222", or tls:// to insist on TLS`)
		case u.User != nil:
			at.hide()
			l.report(at.src, at.place.start, Problem{Key: join(path, "url"), Message: "user and password do not belong into the URL", Hint: `take them out and write user = "NAME" and password = "file:PATH", or token`})
		}
	}
	var ways []string
	for key, given := range map[string]bool{"creds_file": s.CredsFile != "", "nkey": !s.NKey.IsZero(), "token": !s.Token.IsZero(), "user": s.User != ""} {
		if given {
			ways = append(ways, key)
		}
	}
	slices.Sort(ways)
	if len(ways) > 1 {
		l.wrong(n.at(ways[1]), join(path, ways[1]), "contradicts "+ways[0]+": one way to log in is enough")
	}
	if !s.Password.IsZero() && s.User == "" {
		l.wrong(n.at("password"), join(path, "password"), "needs user")
	}
	s.CredsFile = l.absolute(s.CredsFile)
	if s.CredsFile != "" {
		if _, err := os.ReadFile(s.CredsFile); err != nil {
			l.wrong(n.at("creds_file"), join(path, "creds_file"), err.Error())
		}
	}
	l.checkSubject(n.at("subject"), join(path, "subject"), s.Subject)
}

// placeholders are what a subject can have in braces.
var placeholders = strings.NewReplacer("{account}", "x", "{mailbox}", "x", "{type}", "x")

func (l *loader) checkSubject(n *node, path, subject string) {
	plain := placeholders.Replace(subject)
	switch {
	case strings.ContainsAny(plain, "{}"):
		l.wrong(n, path, "only {account}, {mailbox} and {type} can stand in braces")
	case strings.ContainsAny(plain, "*> \t\r\n\x00") || strings.HasPrefix(plain, ".") || strings.HasSuffix(plain, ".") || strings.Contains(plain, "..") || plain == "":
		l.wrong(n, path, "cannot be published to: want words with points between them, without *, > and spaces")
	case strings.HasPrefix(plain, "$"):
		l.wrong(n, path, "begins with $, which belongs to the server")
	}
}

func (l *loader) checkFile(n *node, path string, s *FileSink) {
	l.positive(n, path, "max_age", s.MaxAge, 0)
	s.Path = l.absolute(s.Path)
	at := n.at("path")
	switch info, err := os.Stat(s.Path); {
	case n.table["path"] == nil:
		l.missing(n, path, "path", `"/var/log/pushmail/events.jsonl"`)
	case s.Path == "":
	case err == nil && info.IsDir():
		l.wrong(at, join(path, "path"), "is a directory: name a file in it")
	case slices.ContainsFunc(l.cfg.Sinks, func(o Sink) bool { return o.Files != nil && o.Files != s && l.absolute(o.Files.Path) == s.Path }):
		l.wrong(at, join(path, "path"), "another sink writes to the same file")
	}
	if s.Keep < 0 {
		l.wrong(n.at("keep"), join(path, "keep"), "want 0, for all, or more")
	}
}
