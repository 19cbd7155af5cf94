package imap

import "slices"

// specialUses are the attributes that say what a mailbox is for.
var specialUses = []Attr{
	AttrAll, AttrArchive, AttrDrafts, AttrFlagged, AttrJunk, AttrSent, AttrTrash, AttrImportant,
}

// IsSpecialUse reports whether a says what a mailbox is for (RFC 6154 section 2, RFC 8457): [AttrSent]
// and the like.
func (a Attr) IsSpecialUse() bool { return slices.Contains(specialUses, a) }

// Has reports whether the mailbox has the attribute a, said so or implied: \NonExistent contains
// \Noselect, and \Noinferiors contains \HasNoChildren (RFC 9051 section 7.3.1).
//
// A mailbox can be selected unless it has [AttrNoSelect].
func (l *List) Has(a Attr) bool {
	if slices.Contains(l.Attrs, a) {
		return true
	}
	switch a {
	case AttrNoSelect:
		return slices.Contains(l.Attrs, AttrNonExistent)
	case AttrHasNoChildren:
		return slices.Contains(l.Attrs, AttrNoInferiors)
	}
	return false
}

// SpecialUses returns the attributes that say what the mailbox is for, nil for most mailboxes.
func (l *List) SpecialUses() []Attr {
	var uses []Attr
	for _, a := range l.Attrs {
		if a.IsSpecialUse() {
			uses = append(uses, a)
		}
	}
	return uses
}
