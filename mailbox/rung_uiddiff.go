package mailbox

import "github.com/pushmail/pushmail/imap"

// diffRung knows nothing and fetches the UIDs and flags of all messages. It works with every server,
// and reads a row for each message.
type diffRung struct {
	initial bool // there is nothing to compare with
	attempt int  // how often the server has contradicted itself
	tries   int  // since the last row that helped, or news
	news    int
	pending uint32
	last    imap.UID
	rounds  int
}

func (d *diffRung) method() Method {
	if d.initial {
		return ByInitial
	}
	return ByUIDDiff
}

// maxTries bounds how often rows are asked for that the server does not send.
const maxTries = 3

func (d *diffRung) next(r *Resync) (Step, bool) {
	v := r.view
	set, need := v.NeedFetch()
	if !need || d.rounds >= maxRounds && d.tries == 0 {
		return Step{}, false
	}
	if d.tries >= maxTries {
		v.giveUp(r) // whatever is still pending after the last message is left to the caller
		r.presume()
		return Step{}, false
	}
	d.rounds++
	d.pending, d.last, d.news = v.Pending(), v.state.last, r.news
	return Step{Kind: FetchFlags, UIDs: set, ModSeq: r.opened.modSeqs()}, true
}

func (d *diffRung) feed(r *Resync, resp imap.Response) {
	if !isEarlier(resp) {
		r.apply(resp)
	}
}

func (d *diffRung) end(r *Resync, failed bool) {
	v := r.view
	if d.tries++; v.Pending() < d.pending || v.state.last > d.last || r.news != d.news {
		d.tries = 0
	}
	if failed && d.tries > 0 {
		r.fail(desync("the server refused %v", r.step))
	}
}
