package imaptest

import (
	"maps"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// matchPattern reports whether name matches a LIST pattern. INBOX has no case as a first level, either.
func matchPattern(pattern, name string) bool {
	return imap.MatchMailbox(canonicalName(pattern), canonicalName(name), delim)
}

// listEntry is what LIST knows of a name.
type listEntry struct {
	mailbox    *Mailbox // nil: only names below exist, or a subscription
	children   bool
	subscribed bool
	specialUse imap.Attr
}

// entries returns all names: mailboxes, the levels above them, and subscriptions.
func (u *User) entries() map[string]*listEntry {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := map[string]*listEntry{}
	get := func(name string) *listEntry {
		if all[name] == nil {
			all[name] = &listEntry{}
		}
		return all[name]
	}
	for name, m := range u.mailboxes {
		e := get(name)
		e.mailbox, e.specialUse = m, u.specialUse[name]
		for i := strings.LastIndexByte(name, delim); i > 0; i = strings.LastIndexByte(name[:i], delim) {
			get(name[:i]).children = true
		}
	}
	for name := range u.subscribed {
		get(name).subscribed = true
	}
	return all
}

// listRequest is a LIST with the options of RFC 5258, RFC 5819 and RFC 6154.
type listRequest struct {
	onlySubscribed, onlySpecialUse     bool
	showSubscribed                     bool
	status                             imap.StatusItems
	reference                          string
	patterns                           []string
	extended                           bool
	showChildren, recursive, isSpecial bool
}

func (s *Session) cmdList(args *arguments) imap.Status {
	r := &listRequest{showChildren: s.can("CHILDREN"), isSpecial: s.can(imap.CapSpecialUse)}
	if args.peekList() {
		s.listSelection(args, r)
	}
	r.reference = args.mailbox()
	if args.peekList() && s.can(imap.CapListExtended) {
		for _, arg := range args.list() {
			r.patterns = append(r.patterns, imapwire.MailboxFromWire(arg.Text, false))
		}
		r.extended = true
	} else {
		r.patterns = []string{args.mailbox()}
	}
	if args.more() {
		s.listReturn(args, r)
	}
	if e := args.end(); e != nil {
		return *e
	}
	if !r.extended && r.patterns[0] == "" {
		// RFC 9051 section 6.3.9: an empty name asks for the delimiter and the root.
		s.send(&imap.List{Attrs: []imap.Attr{imap.AttrNoSelect}, Delim: delim})
		return ok("LIST completed")
	}
	s.list(r)
	return ok("LIST completed")
}

func (s *Session) listSelection(args *arguments, r *listRequest) {
	r.extended, r.showChildren = true, false
	for _, arg := range args.list() {
		switch word := strings.ToUpper(arg.Text); {
		case word == "SUBSCRIBED" && s.can(imap.CapListExtended):
			r.onlySubscribed, r.showSubscribed = true, true
		case word == "SPECIAL-USE" && s.can(imap.CapSpecialUse):
			r.onlySpecialUse = true
		case word == "REMOTE" && s.can(imap.CapListExtended): // there are none
		case word == "RECURSIVEMATCH" && s.can(imap.CapListExtended):
			r.recursive = true
		default:
			args.fail("Unknown selection option " + imap.Printable(arg.Text))
		}
	}
	if r.recursive && !r.onlySubscribed {
		args.fail("RECURSIVEMATCH alone") // RFC 5258 section 3.1
	}
}

func (s *Session) listReturn(args *arguments, r *listRequest) {
	r.extended, r.showChildren = true, false // RFC 5258 section 4: now only if asked for
	if !args.next().Is("RETURN") {
		args.fail("Expected RETURN")
	}
	options := &arguments{left: args.list()}
	for options.more() {
		switch word := strings.ToUpper(options.atom()); {
		case word == "SUBSCRIBED" && s.can(imap.CapListExtended):
			r.showSubscribed = true
		case word == "CHILDREN" && s.can(imap.CapListExtended):
			r.showChildren = true
		case word == "SPECIAL-USE" && s.can(imap.CapSpecialUse):
			r.isSpecial = true
		case word == "STATUS" && s.can(imap.CapListStatus):
			r.status = s.statusItems(options)
		default:
			options.fail("Unknown return option " + imap.Printable(word))
		}
	}
	if args.err == nil {
		args.err = options.err
	}
}

func (s *Session) list(r *listRequest) {
	all := s.user.entries()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		e := all[name]
		matches := slices.ContainsFunc(r.patterns, func(p string) bool { return matchPattern(r.reference+p, name) })
		below := r.recursive && hasSubscribedBelow(all, name)
		switch {
		case !matches,
			r.onlySubscribed && !e.subscribed && !below,
			!r.onlySubscribed && e.mailbox == nil && !e.children,
			r.onlySpecialUse && e.specialUse == "":
			continue
		}
		row := &imap.List{Delim: delim, Mailbox: name, Attrs: e.attrs(r)}
		if below {
			row.ChildInfo = []string{"SUBSCRIBED"}
		}
		s.send(row)
		if r.status != 0 && e.mailbox != nil {
			s.send(s.statusOf(e.mailbox, r.status))
		}
	}
}

func hasSubscribedBelow(all map[string]*listEntry, name string) bool {
	for other, e := range all {
		if e.subscribed && strings.HasPrefix(other, name+string(delim)) {
			return true
		}
	}
	return false
}

func (e *listEntry) attrs(r *listRequest) []imap.Attr {
	var attrs []imap.Attr
	if e.mailbox == nil {
		if r.extended {
			attrs = append(attrs, imap.AttrNonExistent)
		} else {
			attrs = append(attrs, imap.AttrNoSelect)
		}
	}
	if r.showChildren {
		if e.children {
			attrs = append(attrs, imap.AttrHasChildren)
		} else {
			attrs = append(attrs, imap.AttrHasNoChildren)
		}
	}
	if r.showSubscribed && e.subscribed {
		attrs = append(attrs, imap.AttrSubscribed)
	}
	if r.isSpecial && e.specialUse != "" {
		attrs = append(attrs, e.specialUse)
	}
	return attrs
}

// cmdLsub is LSUB (RFC 3501 section 6.3.9).
func (s *Session) cmdLsub(args *arguments) imap.Status {
	pattern := args.mailbox() + args.mailbox()
	if e := args.end(); e != nil {
		return *e
	}
	all := s.user.entries()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		e := all[name]
		if !matchPattern(pattern, name) {
			continue
		}
		row := &imap.List{Kind: imap.ListKindLsub, Delim: delim, Mailbox: name}
		switch {
		case e.subscribed:
		case strings.HasSuffix(pattern, "%") && hasSubscribedBelow(all, name):
			row.Attrs = []imap.Attr{imap.AttrNoSelect}
		default:
			continue
		}
		s.send(row)
	}
	return ok("LSUB completed")
}
