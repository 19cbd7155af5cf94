package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Stored is what [Conn.Store] says of messages that it did not change.
type Stored struct {
	// Modified are the UIDs that were left out because they have changed since UnchangedSince (RFC 7162
	// section 3.1.3). Look at them again before another try.
	Modified imap.UIDSet
	// ModifiedSeq is the same for a STORE by sequence number.
	ModifiedSeq imap.SeqSet
}

// Store changes the flags, Gmail's labels or the annotations of messages (RFC 9051 section 6.4.6, RFC 5257
// section 4.4). Unless o is Silent, the server repeats what became of them, which goes to the Handler. A flag
// that the mailbox does not take for good is not in [Selected].PermanentFlags: servers ignore it or say NO.
//
// UnchangedSince needs CONDSTORE (RFC 7162), Labels need X-GM-EXT-1, Annotations need ANNOTATE-EXPERIMENT-1;
// without it the error is an *[UnsupportedError]. An empty set is an error. Messages that do not exist are
// left out by the server.
//
// The result is never nil. If ctx ends on the way, it is unknown which messages were changed; a long set
// of UIDs is sent in parts, and then the error is a *[PartialError] that knows the parts that were done.
// Adding and removing flags again does no harm.
func (c *Conn) Store(ctx context.Context, set imap.NumSet, o *imap.StoreOptions) (*Stored, error) {
	s := &Stored{}
	if err := c.requireStore(set, o); err != nil {
		return s, err
	}
	name := commandFor("STORE", set)
	err := c.execPieces(ctx, name, set, func(e *imapwire.Command) { e.Store(o) }, nil, func(cmd *command) {
		s.take(cmd.status.Code, set.ByUID())
	})
	return s, err
}

// take notes the MODIFIED of one command.
func (s *Stored) take(code *imap.Code, uids bool) {
	if code == nil || code.Name != imap.CodeModified {
		return
	}
	if uids {
		s.Modified = s.Modified.Union(code.Source)
		return
	}
	for _, r := range code.Source {
		s.ModifiedSeq.AddRange(imap.SeqNum(r.First), imap.SeqNum(r.Last))
	}
}

func (c *Conn) requireStore(set imap.NumSet, o *imap.StoreOptions) error {
	if err := c.needSet("STORE", set); err != nil {
		return err
	}
	var needs imap.Capability
	switch {
	case o == nil:
		return notSent(&imapwire.ArgumentError{Command: "STORE", Argument: "options", Position: 2, Reason: "are missing"})
	case len(o.Annotations) > 0:
		needs = imap.CapAnnotate
	case o.Labels != nil:
		needs = imap.CapGmail
	}
	if needs != "" {
		if err := c.require(needs); err != nil {
			return err
		}
	}
	if o.UnchangedSince != 0 {
		return c.require(imap.CapCondStore)
	}
	return nil
}

// needSet returns an error unless a mailbox is selected and set has something in it.
func (c *Conn) needSet(name string, set imap.NumSet) error {
	if err := c.need(StateSelected); err != nil {
		return err
	}
	if set == nil || set.Empty() {
		return notSent(&imapwire.ArgumentError{Command: name, Argument: "message set", Position: 1, Reason: "is empty"})
	}
	return nil
}

// commandFor returns the name of a command that has a form for UIDs.
func commandFor(name string, set imap.NumSet) string {
	if set.ByUID() {
		return "UID " + name
	}
	return name
}
