package imapclient

import (
	"strconv"

	"github.com/pushmail/pushmail/imap"
)

// Progress is how far the server has come with a command that takes long (INPROGRESS, RFC 9585). Servers that have
// it send one every now and then, which also proves that they are at work: Options.CommandTimeout starts anew.
type Progress struct {
	Command string // the name of the command, "" if the server did not say which
	Done    uint64 // in units of its own, 0 if it did not say
	Goal    uint64 // what Done will be at the end, 0 if it does not know
}

// reportProgress tells Options.Progress of a status response with INPROGRESS.
func (c *Conn) reportProgress(st *imap.Status) {
	if c.opts.Progress == nil || !st.HasCode(imap.CodeInProgress) {
		return
	}
	words := append(st.Code.Words[:len(st.Code.Words):len(st.Code.Words)], "", "", "")
	var p Progress
	for _, cmd := range c.pending {
		if cmd.tag == words[0] {
			p.Command = cmd.name
		}
	}
	p.Done, _ = strconv.ParseUint(words[1], 10, 64)
	p.Goal, _ = strconv.ParseUint(words[2], 10, 64)
	c.opts.Progress(p)
}
