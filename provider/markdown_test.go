package provider_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/provider"
)

var update = flag.Bool("update", false, "write docs/providers.md")

const docs = "../docs/providers.md"

func TestDocsTellWhatTheDataSay(t *testing.T) {
	want := markdown(provider.Standard())
	if *update {
		if err := os.WriteFile(docs, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the data say: go test ./provider -update", docs)
	}
}

// markdown writes the table for people.
func markdown(table provider.Table) string {
	var b strings.Builder
	b.WriteString(`# Mail services and servers

Made from provider/providers.json by ` + "`go test ./provider -update`" + `; do not edit.

What is known of others, used where nothing better is: a value that is set in the options wins, and what a server turns
out to bear is learned on top. Each row ends with its sources and how sure they are: **vendor** (its own documentation or
code), **client** (what another mail program does), **report** (somebody's observation), **choice** (a cautious default of ours).
All but what a vendor says is a prior. Capabilities change without notice: always read CAPABILITY. Hosts, mail domains and
mail exchangers are those that are commonly known, and the list of none of them is complete.

A file with rows of the same form corrects or adds to them: ` + "`pushmail watch --providers FILE`, `pushmail doctor --providers FILE`" + `, and in
Go ` + "`provider.Standard().Extend(file)`, given to `watch.Options.Providers`" + `. A slip in it is an error with its line. For example
` + "`" + `[{"id": "gmail", "connections": 10}, {"id": "ours", "hosts": ["imap.example.org"], "idle_restart": "4m"}]` + "`" + `.

| id | IDLE begun anew each | silent connections end at | connections | poll | ID first |
|---|---|---|---|---|---|
`)
	for _, p := range table {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s each %s | %s |\n", p.ID, p.ID, short(p.IdleRestart), short(p.Drops),
			number(p.Connections), p.Poll, short(p.PollInterval), yes(p.IDFirst))
	}
	for _, p := range table {
		section(&b, p)
	}
	return b.String()
}

func section(b *strings.Builder, p *provider.Provider) {
	fmt.Fprintf(b, "\n## %s\n\n**%s**\n\n", p.ID, p.Name)
	item := func(what, text string) {
		if text != "" {
			fmt.Fprintf(b, "- %s: %s\n", what, text)
		}
	}
	item("Hosts", strings.Join(p.Hosts, ", "))
	item("Mail domains", strings.Join(p.Domains, ", "))
	item("Mail exchangers end with", strings.Join(p.MX, ", "))
	item("Calls itself", strings.Join(p.Software, ", "))
	item("Only here", words(p.Marks))
	item("Says something in IDLE each", short(p.KeepAlive))
	item("A session lasts at most", short(p.SessionLife))
	item("One that was begun with an OAuth token lasts at most", short(p.TokenSession))
	if n := p.Budget(); n > 0 {
		item("Connections used at most", fmt.Sprintf("%d of %d", n, p.Connections))
	}
	if p.AlwaysPoll {
		item("Push", "not relied upon, it is polled all the same")
	}
	item("Not used although offered", words(p.Mask))
	item("Probably offers", words(p.Has))
	item("Probably lacks", words(p.Lacks))
	item("What to watch", p.Watch)
	item("Login", strings.Join(p.Auth, ", "))
	item("Password", p.Password)
	if o := p.OAuth; o != nil {
		item("OAuth", fmt.Sprintf("authorize %s, token %s, scopes %s", code(o.Authorize), code(o.Token), code(strings.Join(o.Scopes, " "))))
		item("OAuth device flow", code(o.Device))
		item("OAuth for a whole organisation", code(strings.Join(o.AppScopes, " ")))
		item("OAuth note", o.Note)
	}
	item("Throttling", p.Throttling)
	for _, n := range p.Notes {
		item("Note", n)
	}
	for _, s := range p.Sources {
		item(fmt.Sprintf("Source of %s", strings.ReplaceAll(s.Of, " ", ", ")), fmt.Sprintf("%s (**%s**, read %s)", s.Where, s.Kind, s.Read))
	}
}

func words(caps []imap.Capability) string {
	out := make([]string, len(caps))
	for i, c := range caps {
		out[i] = string(c)
	}
	return strings.Join(out, ", ")
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func short(d time.Duration) string {
	if d == 0 {
		return ""
	}
	s := d.String()
	if t, ok := strings.CutSuffix(s, "m0s"); ok {
		s = t + "m"
	}
	if t, ok := strings.CutSuffix(s, "h0m"); ok {
		s = t + "h"
	}
	return s
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
