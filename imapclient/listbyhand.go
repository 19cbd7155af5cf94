package imapclient

import (
	"context"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// listByHand answers an extended LIST by plain commands.
func (l *listing) listByHand(ctx context.Context) error {
	verb := "LIST"
	if l.useXList() {
		verb = "XLIST"
	}
	var found, subscribed listRows
	if err := l.listEach(ctx, verb, l.wide, &found); err != nil {
		return err
	}
	if l.want.Subscribed || l.want.ReturnSubscribed {
		if err := l.listEach(ctx, "LSUB", l.wideLsub, &subscribed); err != nil {
			return err
		}
	}
	l.markSubscribed(&found, &subscribed)
	l.choose(&found)
	if l.want.SpecialUse && verb == "LIST" && !l.c.saysSpecialUse() && !slices.ContainsFunc(found.all, hasUse) {
		return &UnsupportedError{imap.CapSpecialUse}
	}
	return nil
}

// useXList reports whether XLIST tells the special uses that LIST might not.
func (l *listing) useXList() bool {
	return (l.want.SpecialUse || l.want.ReturnSpecialUse) && !l.c.saysSpecialUse() && l.c.Capabilities().Has(imap.CapXList)
}

// saysSpecialUse reports whether the server announces the options of RFC 6154. IMAP4rev2 contains only
// the attributes.
func (c *Conn) saysSpecialUse() bool { return slices.Contains(c.Capabilities(), imap.CapSpecialUse) }

func hasUse(row *Listed) bool { return len(row.SpecialUses()) > 0 }

// listEach sends one command for each pattern.
func (l *listing) listEach(ctx context.Context, verb string, widen func(string) string, rows *listRows) error {
	var sent []string
	for _, p := range l.want.Patterns {
		if p = widen(p); slices.Contains(sent, p) {
			continue
		}
		sent = append(sent, p)
		if err := l.list(ctx, verb, &imap.ListOptions{Reference: l.want.Reference, Patterns: []string{p}}, rows); err != nil {
			return err
		}
	}
	return nil
}

// needsBelow reports whether mailboxes below those that match must be known.
func (l *listing) needsBelow() bool { return l.want.RecursiveMatch || l.needsChildren() }

func (l *listing) needsChildren() bool {
	return l.want.ReturnChildren && !l.c.Capabilities().Has(imap.CapChildren)
}

// wide returns a pattern that finds what is below, too.
func (l *listing) wide(pattern string) string {
	if !l.needsBelow() || pattern == "" {
		return pattern
	}
	return strings.TrimRight(strings.ReplaceAll(pattern, "%", "*"), "*") + "*"
}

// wideLsub avoids "%", to which LSUB answers with names that are not subscribed (RFC 3501 section 6.3.9).
func (l *listing) wideLsub(pattern string) string {
	return strings.ReplaceAll(l.wide(pattern), "%", "*")
}

// markSubscribed adds \Subscribed, and the subscribed names that are no mailboxes if they are wanted.
// Courier's LSUB has the names above subscribed ones, too, with \Noselect, whatever the pattern.
func (l *listing) markSubscribed(found, subscribed *listRows) {
	above := map[string]bool{}
	for _, sub := range subscribed.all {
		forEachParent(sub, func(name string) { above[name] = true })
	}
	for _, sub := range subscribed.all {
		if sub.Has(imap.AttrNoSelect) && (above[sub.Mailbox] || sub.Has(imap.AttrHasChildren)) {
			continue
		}
		row := found.find(sub.Mailbox)
		if row == nil && l.want.Subscribed {
			row = found.addPhantom(sub.Mailbox, sub.Delim)
		}
		if row != nil {
			row.Attrs = withoutRepeats(append(row.Attrs, imap.AttrSubscribed))
		}
	}
}

// addPhantom adds a name that is no mailbox.
func (rows *listRows) addPhantom(name string, delim rune) *Listed {
	rows.add(&imap.List{Mailbox: name, Delim: delim, Attrs: []imap.Attr{imap.AttrNonExistent}})
	return rows.exact[name]
}

// choose keeps the rows that were asked for, with what was asked about them (RFC 5258 section 3.5).
func (l *listing) choose(found *listRows) {
	info := map[string]bool{} // names above mailboxes that are selected, true if they are returned for that
	if l.want.RecursiveMatch {
		l.lookBelow(found, info)
	}
	parents := map[string]bool{}
	for _, row := range found.all {
		if l.needsChildren() && !slices.Contains(row.Attrs, imap.AttrNonExistent) {
			forEachParent(row, func(name string) { parents[name] = true })
		}
	}
	l.rows = listRows{}
	for _, row := range found.all {
		below, isParent := info[row.Mailbox]
		if !l.matches(&row.List) || !l.selects(row) && !below {
			continue
		}
		if isParent {
			row.ChildInfo = l.criteria()
		}
		if l.needsChildren() && !row.Has(imap.AttrHasChildren) && !row.Has(imap.AttrHasNoChildren) {
			attr := imap.AttrHasNoChildren
			if parents[row.Mailbox] {
				attr = imap.AttrHasChildren
			}
			row.Attrs = append(row.Attrs, attr)
		}
		l.rows.keep(row)
	}
}

// lookBelow fills info, and adds names that are no mailboxes and have selected ones below. Of a mailbox
// that is not returned itself, the nearest above it that can be tells (RFC 5258 section 3.5).
func (l *listing) lookBelow(found *listRows, info map[string]bool) {
	for _, row := range slices.Clone(found.all) {
		if !l.selects(row) {
			continue
		}
		untold := !l.matches(&row.List)
		forEachParent(row, func(name string) {
			tells := untold && l.matches(&imap.List{Mailbox: name, Delim: row.Delim})
			if tells && found.find(name) == nil {
				found.addPhantom(name, row.Delim)
			}
			info[name] = info[name] || tells
			untold = untold && !tells
		})
	}
}

// keep adds a row that is complete.
func (rows *listRows) keep(row *Listed) {
	if rows.exact == nil {
		rows.exact = map[string]*Listed{}
	}
	rows.exact[row.Mailbox] = row
	rows.all = append(rows.all, row)
}

func (l *listing) matches(r *imap.List) bool {
	return matchesAny(l.want.Reference, l.want.Patterns, r)
}

// selects reports whether the selection options take a row.
func (l *listing) selects(row *Listed) bool {
	return (!l.want.Subscribed || slices.Contains(row.Attrs, imap.AttrSubscribed)) && (!l.want.SpecialUse || hasUse(row))
}

// criteria are the words of CHILDINFO.
func (l *listing) criteria() (words []string) {
	if l.want.Subscribed {
		words = append(words, "SUBSCRIBED")
	}
	if l.want.SpecialUse {
		words = append(words, "SPECIAL-USE")
	}
	return words
}

func forEachParent(row *Listed, visit func(name string)) {
	for above := row.Parent(); above != ""; above = (&imap.List{Mailbox: above, Delim: row.Delim}).Parent() {
		visit(above)
	}
}
