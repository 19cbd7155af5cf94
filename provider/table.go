package provider

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/pushmail/pushmail/imap"
)

// Table is a list of providers. Its rows must not be changed: they may be shared.
type Table []*Provider

//go:embed providers.json
var builtin []byte

var standard = sync.OnceValue(func() Table {
	t, err := Table(nil).Extend(bytes.NewReader(builtin))
	if err != nil {
		panic(err) // a test reads it
	}
	return t
})

// Standard returns the providers that this package knows.
func Standard() Table { return slices.Clone(standard()) }

// Extend returns t with what a file says: a JSON list of objects with the fields of [Provider]. An object whose
// "id" is in t changes the fields that it names and leaves the others; any other is a new row, which begins as a
// copy of the row "other". The new table is checked as the standard one is; the error is an *[Error]. t stays as it is.
func (t Table) Extend(r io.Reader) (Table, error) {
	rows, err := readRows(r)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(t)
	lines := map[string]int{}
	for _, row := range rows {
		p := out.blank(row.id)
		if err := json.Unmarshal(row.text, p); err != nil {
			return nil, row.fault(err)
		}
		out = out.with(p)
		lines[row.id] = row.line
	}
	if err := out.check(); err != nil {
		err.Line = lines[err.ID]
		return nil, err
	}
	return out, nil
}

// blank returns what a row of this ID begins as.
func (t Table) blank(id string) *Provider {
	if p := t.Get(id); p != nil {
		return p.clone()
	}
	p := t.Get(Other)
	if p == nil {
		return &Provider{}
	}
	p = p.clone()
	p.ID, p.Name, p.Sources, p.Notes = id, id, []Source{}, nil
	return p
}

// with returns t with p, in place of the row with its ID if there is one.
func (t Table) with(p *Provider) Table {
	for i, was := range t {
		if was.ID == p.ID {
			t[i] = p
			return t
		}
	}
	return append(t, p)
}

// Other is the ID of the row for servers of which nothing is known.
const Other = "other"

// Get returns the row with this ID, or nil.
func (t Table) Get(id string) *Provider {
	for _, p := range t {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// Lookup is [Table.Lookup] of the standard table.
func Lookup(host string, caps imap.Capabilities, id *imap.ID) *Provider {
	return standard().Lookup(host, caps, id)
}

// Lookup returns what is known of a server by the name of its host, without a port; else by what it answered to
// ID; else by its capabilities. caps and id may be nil, before a connection is made. It returns the row
// "other" for a server that is not known, nil only if the table has none.
func (t Table) Lookup(host string, caps imap.Capabilities, id *imap.ID) *Provider {
	if p := t.byHost(host); p != nil {
		return p
	}
	name := strings.ToLower(id.Get("name"))
	for _, p := range t {
		if name != "" && slices.ContainsFunc(p.Software, func(s string) bool { return strings.HasPrefix(name, strings.ToLower(s)) }) {
			return p
		}
	}
	for _, p := range t {
		if slices.ContainsFunc(p.Marks, caps.Has) {
			return p
		}
	}
	return t.Get(Other)
}

// byHost returns the row with the pattern that fits best, or nil.
func (t Table) byHost(host string) *Provider {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	var best *Provider
	length := 0
	for _, p := range t {
		for _, pattern := range p.Hosts {
			if len(pattern) > length && matchHost(pattern, host) {
				best, length = p, len(pattern)
			}
		}
	}
	return best
}

// matchHost reports whether a host is the pattern, or below what follows its "*".
func matchHost(pattern, host string) bool {
	if below, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, below)
	}
	return host == pattern
}

// ForDomain returns the provider of a mail address' domain, by the domain itself or else by its mail exchangers
// (the hosts of its MX records), which may be none. It returns nil if neither is known.
func (t Table) ForDomain(domain string, mx ...string) *Provider {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	for _, p := range t {
		if slices.Contains(p.Domains, domain) {
			return p
		}
	}
	for _, p := range t {
		for _, suffix := range p.MX {
			if slices.ContainsFunc(mx, func(host string) bool {
				return strings.HasSuffix("."+strings.ToLower(strings.TrimSuffix(host, ".")), "."+suffix)
			}) {
				return p
			}
		}
	}
	return nil
}
