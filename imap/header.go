package imap

import (
	"iter"
	"strings"
)

// DisplayName returns the name of the address for people: encoded words decoded, white space in one
// line and single, quotes around the whole taken off. It is "" if there is no name. The sender wrote
// it: it can look like another address, and [Printable] takes control characters out.
func (a *Address) DisplayName(charset CharsetReader) string {
	name := strings.Join(strings.Fields(DecodeWords(a.Name, charset)), " ")
	if n := len(name); n > 1 && name[0] == '"' && name[n-1] == '"' {
		name = strings.TrimSpace(name[1 : n-1])
	}
	return name
}

// isGroupStart reports whether a has the form of the start of a group. The address of a sender that
// wrote no host looks the same.
func (a *Address) isGroupStart() bool { return a.Host == "" && a.Mailbox != "" }

func (a *Address) isGroupEnd() bool { return a.Host == "" && a.Mailbox == "" }

// Groups yields the addresses of list by group (RFC 9051 section 7.5.2), in order: name is that of
// the group, and "" for addresses outside of one, which come together up to the next group. A group
// can be empty: "undisclosed-recipients:;" is one.
//
// An entry without a host only starts a group if an end follows; else it is an address without a
// host, which Gmail sends for "From: abel".
func Groups(list []Address) iter.Seq2[string, []Address] {
	return func(yield func(name string, members []Address) bool) {
		for rest := list; len(rest) > 0; {
			start, end := findGroup(rest)
			if outside := rest[:start]; len(outside) > 0 && !yield("", outside) {
				return
			}
			if start < end && rest[start].isGroupStart() {
				if !yield(rest[start].Mailbox, rest[start+1:end]) {
					return
				}
			}
			rest = rest[min(end+1, len(rest)):]
		}
	}
}

// findGroup returns the positions of the first group's start and end. For an end without a start
// they are the same, and without any end they are the length of list.
func findGroup(list []Address) (start, end int) {
	start = -1
	for i := range list {
		switch a := &list[i]; {
		case a.isGroupEnd() && start < 0:
			return i, i
		case a.isGroupEnd():
			return start, i
		case a.isGroupStart() && start < 0:
			start = i
		}
	}
	return len(list), len(list)
}

// Mailboxes returns the addresses of list without the marks of groups: those that mail can go to. It
// is list itself if there are no groups.
func Mailboxes(list []Address) []Address {
	if _, end := findGroup(list); end == len(list) {
		return list
	}
	var out []Address
	for _, members := range Groups(list) {
		out = append(out, members...)
	}
	return out
}
