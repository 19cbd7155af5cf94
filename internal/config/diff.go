package config

import "reflect"

// Change is what differs between two configurations.
type Change struct {
	AccountsAdded, AccountsRemoved, AccountsChanged []string // names
	SinksAdded, SinksRemoved, SinksChanged          []string // names
	Routes                                          bool
	// Other are keys of what can only change with a restart or by hand, such as "api.listen".
	Other []string
}

// IsZero reports whether nothing differs.
func (c Change) IsZero() bool { return reflect.ValueOf(c).IsZero() }

// Diff tells what has to be done to get from one configuration to the next.
func Diff(old, next *Config) Change {
	var c Change
	c.AccountsAdded, c.AccountsRemoved, c.AccountsChanged = compare(old.Accounts, next.Accounts, func(a Account) string { return a.Name })
	c.SinksAdded, c.SinksRemoved, c.SinksChanged = compare(old.Sinks, next.Sinks, func(s Sink) string { return s.Name })
	c.Routes = !reflect.DeepEqual(routesOf(old), routesOf(next))
	c.Other = others(old, next)
	return c
}

func compare[T any](old, next []T, name func(T) string) (added, removed, changed []string) {
	before := make(map[string]T, len(old))
	for _, v := range old {
		before[name(v)] = v
	}
	for _, v := range next {
		was, ok := before[name(v)]
		delete(before, name(v))
		switch {
		case !ok:
			added = append(added, name(v))
		case !reflect.DeepEqual(was, v):
			changed = append(changed, name(v))
		}
	}
	for _, v := range old {
		if _, gone := before[name(v)]; gone {
			removed = append(removed, name(v))
		}
	}
	return added, removed, changed
}

// routesOf returns the routes without their places.
func routesOf(c *Config) []Route {
	var routes []Route
	for _, r := range c.Routes {
		routes = append(routes, Route{Where: r.Where, To: r.To})
	}
	return routes
}

// others returns the sections that are neither accounts, sinks nor routes and differ.
func others(old, next *Config) []string {
	var keys []string
	for _, part := range []struct {
		key    string
		differ bool
	}{
		{"state", old.State != next.State},
		{"log", old.Log != next.Log},
		{"journal", old.Journal != next.Journal},
		{"secrets", !reflect.DeepEqual(old.Secrets, next.Secrets)},
		{"api.listen", old.API.Listen != next.API.Listen},
		{"api.tokens", !reflect.DeepEqual(old.API.Tokens, next.API.Tokens)},
		{"api.tls", old.API.TLSCert != next.API.TLSCert || old.API.TLSKey != next.API.TLSKey},
		{"api.hosts", !reflect.DeepEqual(old.API.Hosts, next.API.Hosts)},
		{"limits", old.Limits != next.Limits},
		{"defaults", !reflect.DeepEqual(old.Defaults, next.Defaults)},
	} {
		if part.differ {
			keys = append(keys, part.key)
		}
	}
	return keys
}
