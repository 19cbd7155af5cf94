package imapwire

import "github.com/pushmail/pushmail/imap"

// ListMailboxes appends the arguments of LIST (RFC 9051 section 6.3.9): selection options, reference,
// patterns, return options. Nil is LIST "" "*". LSUB takes the same, without options.
func (c *Command) ListMailboxes(o *imap.ListOptions) *Command {
	if o == nil {
		o = &imap.ListOptions{}
	}
	if words := listSelection(o); len(words) > 0 {
		if o.RecursiveMatch && !o.Subscribed && !o.SpecialUse {
			// RFC 5258 section 3.1: RECURSIVEMATCH modifies another option, and REMOTE is none.
			return c.fail("LIST options", "have nothing that RECURSIVEMATCH goes with")
		}
		c.words(words)
	}
	c.Mailbox(o.Reference)
	switch len(o.Patterns) {
	case 0:
		c.ListMailbox("*")
	case 1:
		c.ListMailbox(o.Patterns[0])
	default:
		c.List(func(c *Command) {
			for _, p := range o.Patterns {
				c.ListMailbox(p)
			}
		})
	}
	return c.listReturn(o)
}

// words appends a list of words that need no checking.
func (c *Command) words(words []string) *Command {
	return c.List(func(c *Command) {
		for _, w := range words {
			c.raw(w)
		}
	})
}

func listSelection(o *imap.ListOptions) (words []string) {
	return chosen([]choice{
		{o.Subscribed, "SUBSCRIBED"},
		{o.Remote, "REMOTE"},
		{o.RecursiveMatch, "RECURSIVEMATCH"},
		{o.SpecialUse, "SPECIAL-USE"},
	})
}

func (c *Command) listReturn(o *imap.ListOptions) *Command {
	words := chosen([]choice{
		{o.ReturnSubscribed, "SUBSCRIBED"},
		{o.ReturnChildren, "CHILDREN"},
		{o.ReturnSpecialUse, "SPECIAL-USE"},
		{o.ReturnMyRights, "MYRIGHTS"},
	})
	if len(words) == 0 && o.ReturnStatus == 0 && len(o.ReturnMetadata) == 0 {
		return c
	}
	return c.Atom("RETURN").List(func(c *Command) {
		for _, w := range words {
			c.raw(w)
		}
		if o.ReturnStatus != 0 {
			c.Atom("STATUS").StatusItems(o.ReturnStatus)
		}
		if len(o.ReturnMetadata) > 0 {
			c.Atom("METADATA").strings(o.ReturnMetadata)
		}
	})
}

// strings appends a list of astrings.
func (c *Command) strings(values []string) *Command {
	return c.List(func(c *Command) {
		for _, v := range values {
			c.AString(v)
		}
	})
}

// choice is a word that is sent or not.
type choice struct {
	on   bool
	word string
}

func chosen(choices []choice) (words []string) {
	for _, ch := range choices {
		if ch.on {
			words = append(words, ch.word)
		}
	}
	return words
}
