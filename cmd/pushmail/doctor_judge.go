package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
)

// judgeFirst says what is to be said before anything is measured. It looks at nothing but f and the time.
func judgeFirst(f *facts, now time.Time) []finding {
	var list []finding
	for _, part := range []struct {
		topic string
		judge func(*findings, *facts)
	}{
		{"Connection", func(o *findings, f *facts) { judgeConnection(o, f, now) }},
		{"Login", judgeLogin},
		{"Server", judgeServer},
		{"Known of it", judgeProvider},
		{"Mailboxes", judgeNames},
		{"Limits", judgeLimits},
		{"Push", judgePush},
		{"After an absence", judgeResync},
		{"Watching", judgeWatching},
		{"It ended here", judgeFailure},
	} {
		o := &findings{topic: part.topic}
		part.judge(o, f)
		list = append(list, o.list...)
	}
	return list
}

// judgeMeasured says what was measured.
func judgeMeasured(f *facts) []finding {
	o := &findings{topic: "Measured"}
	judgeMessage(o, f)
	judgeIdle(o, f)
	return o.list
}

func judgeFailure(o *findings, f *facts) {
	switch {
	case f.Failure == nil:
	case f.Failure.ExitCode == exitOK:
		o.note("interrupted", "interrupted: this is not all", "")
	default:
		o.problem("failed-"+f.Failure.Stage, f.Failure.Text, f.Failure.fix)
	}
}

func judgeConnection(o *findings, f *facts, now time.Time) {
	c := f.Connection
	if c == nil {
		return
	}
	at := "to " + c.Address
	if c.Address == "" {
		at = "in vain"
	}
	switch {
	case c.Security == "plaintext" && c.Address != "" && !c.Loopback:
		o.problem("plaintext", fmt.Sprintf("connected %s in %s without encryption: anyone on the way can read the password and the mail", at, shown(c.Took)),
			"use imaps://, or imap:// without --plaintext")
	case c.Security == "plaintext":
		o.note("plaintext", fmt.Sprintf("connected %s in %s without encryption, on this machine", at, shown(c.Took)), "")
	case c.Security == "STARTTLS":
		o.note("starttls", fmt.Sprintf("connected %s in %s, in the clear at first and then with TLS (STARTTLS)", at, shown(c.Took)),
			"use imaps:// if the server has it (port 993): it is encrypted from the first byte (RFC 8314)")
	default:
		o.ok("connected", fmt.Sprintf("connected %s in %s", at, shown(c.Took)))
	}
	if c.TLS != nil {
		judgeTLS(o, c.TLS, now)
	}
	if c.Greeting != "" {
		o.ok("greeting", "it greets with: "+c.Greeting)
	}
	if c.Preauth {
		o.note("preauth", "the connection was logged in from the start (PREAUTH): no password was asked for", "")
	}
}

// A certificate that ends soon is worth a note, one that ends in days is a problem: automatic renewal happens
// weeks before.
const (
	certificateNote    = 21 * 24 * time.Hour
	certificateProblem = 7 * 24 * time.Hour
)

func judgeTLS(o *findings, t *tlsFacts, now time.Time) {
	switch t.Version {
	case "":
	case "TLS 1.3":
		o.ok("tls", "encrypted with TLS 1.3, "+t.Cipher)
	case "TLS 1.2":
		o.ok("tls", "encrypted with TLS 1.2, "+t.Cipher+", which is sound; TLS 1.3 would connect faster")
	default:
		o.problem("tls", "encrypted with "+t.Version+", which is broken", "the server needs TLS 1.2 or newer")
	}
	text := "the certificate is for " + someOf(t.Names, 5)
	if t.SelfSigned {
		text += ", signed by itself"
	} else if t.Issuer != "" {
		text += ", from " + t.Issuer
	}
	left := t.NotAfter.Sub(now)
	until := t.NotAfter.Format("2 January 2006")
	switch {
	case left <= 0:
		o.problem("certificate", text+", and has ended on "+until, "whoever runs the server has to renew it")
	case left < certificateProblem:
		o.problem("certificate", fmt.Sprintf("%s, and ends in %s, on %s", text, days(left), until), "whoever runs the server has to renew it now: then nothing connects any more")
	case left < certificateNote:
		o.note("certificate", fmt.Sprintf("%s, and ends in %s, on %s", text, days(left), until), "see that it is renewed")
	default:
		o.ok("certificate", text+", good until "+until)
	}
}

func days(d time.Duration) string {
	if n := int(d / (24 * time.Hour)); n > 0 {
		return count(n, "day")
	}
	return count(int(d/time.Hour), "hour")
}

func judgeLogin(o *findings, f *facts) {
	l := f.Login
	if l == nil || len(l.Tried) == 0 || f.Server == nil {
		return // it failed, which is said elsewhere
	}
	used := l.Tried[len(l.Tried)-1]
	text := fmt.Sprintf("logged in by %s in %s: %s", used, shown(l.Took), aboutMechanism(used, f.Connection))
	refused := slices.DeleteFunc(slices.Clone(l.Tried), func(m string) bool { return m == used })
	switch {
	case len(refused) > 0:
		o.note("login", text, fmt.Sprintf("the server offers %s and refuses it for this account: ask whoever runs it, or leave it out, for each refusal counts as a failed login", someOf(refused, 5)))
	case len(l.Possible) > 1 && l.Possible[0] == used:
		o.ok("login", text+" (preferred to "+someOf(l.Possible[1:], 9)+")")
	default:
		o.ok("login", text)
	}
}

func aboutMechanism(name string, c *connectionFacts) string {
	m := imapauth.Mechanism(name)
	switch {
	case m.IsOAuth():
		return "the server saw an access token, and no password"
	case m.IsSCRAM() && strings.HasSuffix(name, "-PLUS"):
		return "the server did not see the password, proved that it knows it, and nobody is in the middle of the TLS connection"
	case m.IsSCRAM():
		return "the server did not see the password, and proved that it knows it"
	case m == imapauth.CRAMMD5:
		return "the password itself was not sent, but the method is old and weak"
	case m.Cleartext() && c != nil && c.TLS != nil:
		return "the server saw the password, inside TLS, as is usual"
	case m.Cleartext():
		return "the password went over the net as it is"
	}
	return "as it was asked to"
}

func judgeServer(o *findings, f *facts) {
	s := f.Server
	if s == nil {
		return
	}
	if text := identity(s.ID); text != "" {
		o.ok("id", "it says that it is "+text)
	}
	if s.RoundTrip.duration() > slowAnswer {
		o.note("round-trip", "an answer takes "+shown(s.RoundTrip)+", which is slow", "look whether the server is busy or the network is bad")
	} else {
		o.ok("round-trip", "an answer takes "+shown(s.RoundTrip))
	}
	for _, c := range abilities {
		if s.has(c.name) {
			o.ok("can-"+strings.ToLower(string(c.name)), string(c.name)+": "+c.what)
		}
	}
}

// slowAnswer is from when on a server is called slow.
const slowAnswer = time.Second

func identity(id map[string]string) string {
	words := []string{}
	for _, key := range []string{"name", "version", "vendor"} {
		for _, k := range sortedKeys(id) {
			if strings.EqualFold(k, key) && !slices.Contains(words, id[k]) {
				words = append(words, id[k])
			}
		}
	}
	return strings.Join(words, " ")
}

func judgeNames(o *findings, f *facts) {
	n := f.Names
	switch {
	case n == nil:
		return
	case n.Refused != "":
		o.problem("list", "the server does not list the mailboxes: "+n.Refused, "name the one to watch in the URL; --all-mailboxes cannot work")
		return
	case n.Count == 0:
		o.problem("list", "the server lists no mailbox at all", "name the one to watch in the URL; --all-mailboxes has nothing to watch")
	default:
		text := count(n.Count, "mailbox")
		if n.Count != 1 {
			text = fmt.Sprintf("%d mailboxes", n.Count)
		}
		if n.Delimiter != "" {
			text += fmt.Sprintf(", with %q between the levels of names", n.Delimiter)
		}
		o.ok("list", text)
	}
	if len(n.Personal) > 0 && n.Personal[0] != "" {
		o.ok("namespace", fmt.Sprintf("the names of one's own mailboxes begin with %q", n.Personal[0]))
	}
	if others := slices.Concat(n.Other, n.Shared); len(others) > 0 {
		o.ok("namespace-shared", "mailboxes of others are below "+someOf(quotedAll(others), 5))
	}
	var uses []string
	for _, use := range sortedKeys(n.SpecialUse) {
		uses = append(uses, fmt.Sprintf("%s is %q", strings.TrimPrefix(use, `\`), n.SpecialUse[use]))
	}
	switch {
	case len(uses) == 0:
	case n.Guessed:
		o.note("special-use", "what mailboxes are for the server does not say (SPECIAL-USE, RFC 6154); going by names, "+someOf(uses, 9), "")
	default:
		o.ok("special-use", someOf(uses, 9))
	}
}

func quotedAll(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = fmt.Sprintf("%q", w)
	}
	return out
}

// A quota that is nearly used up is worth a note: when it is, new mail bounces.
const quotaNote = 0.9

func judgeLimits(o *findings, f *facts) {
	l := f.Limits
	if l == nil {
		return
	}
	if l.AppendLimit > 0 {
		o.ok("append-limit", "a message may have up to "+byteSize(int64(min(l.AppendLimit, 1<<62))))
	}
	if l.MessageLimit > 0 {
		o.note("message-limit", fmt.Sprintf("one command may concern at most %d messages (MESSAGELIMIT): longer ones are sent in pieces", l.MessageLimit), "")
	}
	for _, q := range l.Quotas {
		judgeQuota(o, q)
	}
}

func judgeQuota(o *findings, q quotaFacts) {
	amount := func(n int64) string {
		if strings.EqualFold(q.Resource, "STORAGE") {
			return byteSize(min(n, 1<<50) * 1024)
		}
		return fmt.Sprint(n)
	}
	text := fmt.Sprintf("quota %q: %s of %s used (%s)", q.Root, amount(q.Usage), amount(q.Limit), strings.ToLower(q.Resource))
	switch {
	case q.Usage >= q.Limit:
		o.problem("quota", text+": new mail may be refused", "delete mail, empty the trash, or get more space")
	case float64(q.Usage) >= quotaNote*float64(q.Limit):
		o.note("quota", text, "make room: a full mailbox gets no mail")
	default:
		o.ok("quota", text)
	}
}

// someOf puts words together, and counts those beyond the limit: "a, b and 3 more".
func someOf(words []string, limit int) string {
	switch n := len(words); {
	case n == 0:
		return "nothing"
	case n > limit:
		return fmt.Sprintf("%s and %d more", strings.Join(words[:limit], ", "), n-limit)
	}
	return enumerate(words)
}

// shown is a duration for people.
func shown(m milliseconds) string {
	d := m.duration()
	switch {
	case d < time.Millisecond:
		return "less than 1ms"
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// ability is something that a server can do, and what it is good for.
type ability struct {
	name imap.Capability
	what string
}

// abilities are those that matter to a watcher and are not judged elsewhere.
var abilities = []ability{
	{imap.CapIMAP4rev2, "the newer version of the protocol"},
	{imap.CapUIDPlus, "single messages can be removed, and new ones come with their UID"},
	{imap.CapMove, "messages are moved in one step"},
	{imap.CapListStatus, "the state of all mailboxes comes in one answer"},
	{imap.CapObjectID, "a mailbox that is renamed is recognised"},
	{imap.CapESearch, "long search results come as ranges"},
	{imap.CapPreview, "the beginning of a message comes without the message"},
	{imap.CapBinary, "attachments come decoded"},
	{imap.CapCompressDeflate, "the connection can be compressed"},
	{imap.CapGmail, "Gmail: labels, and an id for each message across mailboxes"},
}
