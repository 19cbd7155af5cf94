package mailbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pushmail/pushmail/imap"
)

// simServer is a mailbox as a server keeps it, with other clients at work in it.
type simServer struct {
	rng         *rand.Rand
	uidValidity uint32
	uidNext     imap.UID
	modSeq      imap.ModSeq
	msgs        []simMsg
	gone        []simMsg // expunged, modSeq is that of the expunge

	noModSeq  bool // the mailbox has no mod-sequences
	qresync   bool // expunges count
	existing  bool // HIGHESTMODSEQ is the highest of the messages that are left, which RFC 7162 allows without QRESYNC
	forgetful bool // remembers no expunges: names every UID that is not there (RFC 7162 section 5.1)

	lists  simLists
	scarce int // one of so many messages has a given flag

	clock    int64
	shuffles bool           // with a new UIDVALIDITY, messages have another order now and then
	basis    Basis          // what the server has to identify messages
	ever     map[string]int // how often there was a message with that id
}

// simLists is which flags FLAGS has.
type simLists uint8

const (
	listsAll  simLists = iota
	listsUsed          // those in use; others are listed before they are told
	listsNone          // there is no FLAGS
)

type simMsg struct {
	uid    imap.UID
	flags  string // sorted, space separated
	modSeq imap.ModSeq
	id     string // what identifies it; copies have the same
	date   int64
	moved  bool // it came with a date of long ago
}

var simFlags = []string{"$Junk", `\Answered`, `\Deleted`, `\Flagged`, `\Seen`, "todo"}

func newSimServer(rng *rand.Rand) *simServer {
	s := &simServer{rng: rng, uidValidity: rng.Uint32()%1e6 + 1, uidNext: 1, modSeq: 1, clock: 1e9, ever: map[string]int{}}
	s.basis = BasisGmail + Basis(rng.IntN(3))
	s.lists, s.scarce = simLists(rng.IntN(9)/4), 4+rng.IntN(2)*40
	switch rng.IntN(4) {
	case 0:
		s.noModSeq = true
	case 1:
		s.existing = rng.IntN(2) == 0
	default:
		s.qresync, s.forgetful = true, rng.IntN(3) == 0
	}
	for range rng.IntN(20) {
		s.appendMsg()
	}
	return s
}

func (s *simServer) tick() imap.ModSeq {
	s.modSeq += imap.ModSeq(1 + s.rng.IntN(3))
	return s.modSeq
}

func (s *simServer) randomFlags() string {
	var f []string
	for _, name := range simFlags {
		if s.rng.IntN(s.scarce) == 0 {
			f = append(f, name)
		}
	}
	return strings.Join(f, " ")
}

func (s *simServer) appendMsg() {
	s.uidNext += imap.UID(s.rng.IntN(8) / 6 * s.rng.IntN(5)) // now and then a gap
	s.clock += 1000
	m := simMsg{uid: s.uidNext, flags: s.randomFlags(), modSeq: s.tick(), id: fmt.Sprint(s.clock), date: s.clock}
	switch n := len(s.msgs); {
	case s.rng.IntN(12) == 0:
		m.date, m.moved = s.clock-1e8, true
	case n > 0 && s.rng.IntN(8) == 0: // a copy
		c := s.msgs[max(n-1-s.rng.IntN(4), 0)]
		m.id, m.date, m.moved = c.id, c.date, c.moved
	}
	s.msgs = append(s.msgs, m)
	s.ever[m.id]++
	s.uidNext++
}

func (s *simServer) expunge(i int) {
	m := s.msgs[i]
	s.msgs = slices.Delete(s.msgs, i, i+1)
	if s.qresync {
		m.modSeq = s.tick()
	}
	s.gone = append(s.gone, m)
}

// act is what some other client does.
func (s *simServer) act() {
	switch n := len(s.msgs); {
	case n == 0 || n < 40 && s.rng.IntN(3) == 0:
		s.appendMsg()
	case s.rng.IntN(3) == 0:
		s.expunge(s.rng.IntN(n))
	case s.rng.IntN(20) == 0: // came and went
		s.appendMsg()
		s.expunge(len(s.msgs) - 1)
	case s.rng.IntN(60) == 0: // EXPUNGE of many
		for range n / 2 {
			s.expunge(s.rng.IntN(len(s.msgs)))
		}
	default:
		m := &s.msgs[s.rng.IntN(n)]
		m.flags, m.modSeq = s.randomFlags(), s.tick()
	}
}

// reset gives the mailbox a new UIDVALIDITY.
func (s *simServer) reset() {
	if s.shuffles && s.rng.IntN(2) == 0 {
		s.rng.Shuffle(len(s.msgs), func(i, j int) { s.msgs[i], s.msgs[j] = s.msgs[j], s.msgs[i] })
	}
	s.uidValidity++
	s.uidNext, s.gone = 1, nil
	for i := range s.msgs {
		s.msgs[i].uid = s.uidNext
		s.uidNext++
	}
}

// listed is for the log: UID, identity and age of each message.
func (s *simServer) listed() string {
	out := ""
	for _, m := range s.msgs {
		out += fmt.Sprintf("%d=%s/%d ", m.uid, m.id, m.date)
	}
	return out
}

// remembered is for the log: UID and identity of each message that is remembered.
func (s *simServer) remembered(old *State) string {
	if old.prints == nil {
		return "nothing"
	}
	ids := map[Print]string{}
	for id := range s.ever {
		m := simMsg{id: id}
		_, _ = fmt.Sscan(id, &m.date)
		for range 2 {
			if is, ok := Identify(s.basis, s.identity(0, &m)); ok {
				ids[is.Print] = id
			}
			m.date -= 1e8
		}
	}
	out := fmt.Sprintf("newest %d: ", old.prints.newest)
	for _, e := range old.prints.list {
		out += fmt.Sprintf("%d=%s ", e.uid, ids[e.print])
	}
	return out
}

// identity is the row that identifies m.
func (s *simServer) identity(seq int, m *simMsg) *imap.Message {
	row := &imap.Message{SeqNum: imap.SeqNum(seq), UID: m.uid, Items: imap.ItemUID | imap.ItemInternalDate, InternalDate: time.Unix(m.date, 0)}
	switch s.basis {
	case BasisEmailID:
		row.More = &imap.MoreItems{EmailID: m.id}
	case BasisGmail:
		row.More = &imap.MoreItems{}
		_, _ = fmt.Sscan(m.id, &row.More.GmailMsgID)
	default:
		row.Items |= imap.ItemSize | imap.ItemSections
		row.Sections = []imap.Section{{Spec: "HEADER.FIELDS (MESSAGE-ID)", Data: "Message-ID:\r\n <" + m.id + ">\r\n\r\n"}}
	}
	return row
}

func (s *simServer) highest() imap.ModSeq {
	if !s.existing {
		return s.modSeq
	}
	h := imap.ModSeq(1)
	for _, m := range s.msgs {
		h = max(h, m.modSeq)
	}
	return h
}

func (s *simServer) find(uid imap.UID) *simMsg {
	for i := range s.msgs {
		if s.msgs[i].uid == uid {
			return &s.msgs[i]
		}
	}
	return nil
}

// simCaps is what a session makes use of.
type simCaps struct{ qresync, condstore, esearch, resume bool }

// simSession is one session: what it has told its client lags behind what the server knows.
type simSession struct {
	srv  *simServer
	caps simCaps
	view []simSeen
	emit func(imap.Response)
	busy bool // others are at work, and responses come between responses

	numbered bool // a command with sequence numbers runs, so nothing may be expunged
	listed   []imap.Flag
}

type simSeen struct {
	uid   imap.UID
	flags string
	told  bool // flags have been told
	stale bool // a search has shown others, so they must be told
}

func (c *simSession) modSeqs() bool { return c.caps.condstore && !c.srv.noModSeq }
func (c *simSession) vanish() bool  { return c.caps.qresync && !c.srv.noModSeq }

// selectBox answers SELECT.
func (c *simSession) selectBox(q *imap.QResync) {
	s := c.srv
	status := func(name imap.CodeName, num uint64) {
		c.emit(&imap.Status{Kind: imap.OK, Code: &imap.Code{Name: name, Num: num}})
	}
	for _, m := range s.msgs {
		c.view = append(c.view, simSeen{uid: m.uid, flags: m.flags, told: true})
	}
	if s.rng.IntN(2) == 0 {
		c.emit(imap.Exists(s.rng.Uint32() % 100))
		c.emit(&imap.Status{Kind: imap.OK, Code: &imap.Code{Name: imap.CodeClosed}})
	}
	switch s.lists {
	case listsAll:
		c.list(simFlags)
	case listsUsed:
		c.list(nil)
		for _, m := range s.msgs {
			c.list(strings.Fields(m.flags))
		}
	}
	c.emit(imap.Exists(len(c.view)))
	status(imap.CodeUIDValidity, uint64(s.uidValidity))
	if !c.srv.noModSeq || s.rng.IntN(2) == 0 {
		status(imap.CodeUIDNext, uint64(s.uidNext))
	}
	switch {
	case c.modSeqs():
		status(imap.CodeHighestModSeq, uint64(s.highest()))
	case c.caps.condstore:
		status(imap.CodeNoModSeq, 0)
	}
	if q != nil && c.vanish() && q.UIDValidity == s.uidValidity {
		c.changed(q.Known, q.ModSeq, true, true, q)
	}
	c.end(nil)
}

// list sends FLAGS if there are others than were listed.
func (c *simSession) list(flags []string) {
	before := len(c.listed)
	for _, f := range flags {
		if !imap.HasFlag(c.listed, imap.Flag(f)) {
			c.listed = append(c.listed, imap.Flag(f))
		}
	}
	if c.srv.lists != listsNone && len(c.listed) > before {
		c.emit(imap.MailboxFlags(append([]imap.Flag{imap.FlagDraft}, c.listed...)))
	}
}

// changed sends what CHANGEDSINCE asks for.
func (c *simSession) changed(set imap.UIDSet, since imap.ModSeq, vanished, modSeq bool, q *imap.QResync) {
	if vanished {
		if gone := c.goneSince(set, since, q); len(gone) > 0 {
			c.emit(&imap.Vanished{Earlier: true, UIDs: gone})
		}
	}
	for _, seen := range slices.Clone(c.view) {
		c.between()
		if last := len(c.view) - 1; !set.Contains(seen.uid) && (last < 0 || !set.Dynamic() || seen.uid != c.view[last].uid) {
			continue
		}
		m := c.srv.find(seen.uid)
		if m == nil || m.modSeq <= since {
			continue // gone: neither Dovecot nor Cyrus return a row
		}
		c.row(seen.uid, true, modSeq)
	}
}

func (c *simSession) goneSince(set imap.UIDSet, since imap.ModSeq, q *imap.QResync) imap.UIDSet {
	var gone imap.UIDSet
	if !c.srv.forgetful {
		for _, m := range c.srv.gone {
			if m.modSeq > since && set.Contains(m.uid) {
				gone.Add(m.uid)
			}
		}
		return gone
	}
	gone = set.Clone()
	for _, m := range c.srv.msgs {
		gone.Remove(m.uid)
	}
	if q == nil {
		return gone
	}
	var known imap.UID // RFC 7162 section 3.2.5.2
	uids := slices.Collect(q.MatchUID.All())
	for i, seq := range slices.Collect(q.MatchSeq.All()) {
		if int(seq) > len(c.srv.msgs) || c.srv.msgs[seq-1].uid != uids[i] {
			break
		}
		known = uids[i]
	}
	if known != 0 {
		gone = gone.Subtract(imap.SetOfRange(1, known))
	}
	return gone
}

// row sends a row for uid, which the session still has.
func (c *simSession) row(uid imap.UID, withUID, modSeq bool) {
	i := slices.IndexFunc(c.view, func(s simSeen) bool { return s.uid == uid })
	m := c.srv.find(uid)
	if i < 0 || m == nil {
		return
	}
	c.list(strings.Fields(m.flags))
	c.view[i].flags, c.view[i].told, c.view[i].stale = m.flags, true, false
	row := &imap.Message{SeqNum: imap.SeqNum(i + 1), Items: imap.ItemFlags, Flags: c.wireFlags(m.flags)}
	if withUID {
		row.UID, row.Items = uid, row.Items|imap.ItemUID
	}
	if modSeq && c.modSeqs() {
		row.ModSeq, row.Items = m.modSeq, row.Items|imap.ItemModSeq
	}
	c.emit(row)
}

// wireFlags returns flags in any order and case, and with \Recent now and then.
func (c *simSession) wireFlags(flags string) []imap.Flag {
	var out []imap.Flag
	for _, f := range c.flagsOf(flags) {
		if c.srv.rng.IntN(4) == 0 {
			f = imap.Flag(strings.ToUpper(string(f)))
		}
		out = append(out, f)
	}
	if c.srv.rng.IntN(4) == 0 {
		out = append(out, imap.FlagRecent)
	}
	c.srv.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// flagsOf splits flags.
func (c *simSession) flagsOf(flags string) (out []imap.Flag) {
	for _, f := range strings.Fields(flags) {
		out = append(out, imap.Flag(f))
	}
	return out
}

// between is the moment between two responses of a UID command: others act, and the server may tell.
func (c *simSession) between() {
	if !c.busy {
		return
	}
	switch c.srv.rng.IntN(12) {
	case 0:
		c.srv.act()
	case 1:
		c.tell(1)
	}
}

// tell sends up to n pieces of news, in any legal order.
func (c *simSession) tell(n int) {
	rng := c.srv.rng
	for range n {
		switch rng.IntN(3) {
		case 0:
			if !c.numbered { // RFC 9051 section 7.5.1
				c.tellGone(1 + rng.IntN(3))
			}
		case 1:
			c.tellNew(1 + rng.IntN(3))
		case 2:
			c.tellFlags()
		}
	}
}

func (c *simSession) tellGone(n int) {
	var gone imap.UIDSet
	for _, i := range c.srv.rng.Perm(len(c.view)) {
		if uid := c.view[i].uid; c.srv.find(uid) == nil && gone.Len() < uint64(n) {
			gone.Add(uid)
		}
	}
	if len(gone) == 0 {
		return
	}
	if c.vanish() {
		c.view = slices.DeleteFunc(c.view, func(s simSeen) bool { return gone.Contains(s.uid) })
		c.emit(&imap.Vanished{UIDs: gone})
		return
	}
	for uid := range gone.All() {
		i := slices.IndexFunc(c.view, func(s simSeen) bool { return s.uid == uid })
		c.view = slices.Delete(c.view, i, i+1)
		c.emit(imap.Expunge(i + 1))
	}
}

// tellNew announces up to n messages that are still there.
func (c *simSession) tellNew(n int) {
	var last imap.UID
	if k := len(c.view); k > 0 {
		last = c.view[k-1].uid
	}
	before := len(c.view)
	for _, m := range c.srv.msgs {
		if m.uid > last && n > 0 && !c.skipped(m.uid) {
			c.view = append(c.view, simSeen{uid: m.uid})
			n--
		}
	}
	if len(c.view) != before || c.srv.rng.IntN(8) == 0 {
		c.emit(imap.Exists(len(c.view)))
	}
}

// skipped reports whether uid was in the view already: the last of the view may be gone.
func (c *simSession) skipped(uid imap.UID) bool {
	return slices.ContainsFunc(c.view, func(s simSeen) bool { return s.uid == uid })
}

func (c *simSession) tellFlags() {
	for _, i := range c.srv.rng.Perm(len(c.view)) {
		m := c.srv.find(c.view[i].uid)
		if m == nil || c.view[i].told && !c.view[i].stale && c.view[i].flags == m.flags {
			continue
		}
		// RFC 7162 section 3.2.4: QRESYNC rows have UIDs. Others have them as the server likes.
		c.row(m.uid, c.vanish() || c.srv.rng.IntN(3) == 0, true)
		return
	}
}

// tellAll leaves nothing untold but the flags of new messages.
func (c *simSession) tellAll() {
	c.tellGone(1 << 30)
	c.tellNew(1 << 30)
	for range c.view {
		c.tellFlags()
	}
}

// end sends the tagged reply. HIGHESTMODSEQ stays below what was not told (RFC 7162 section 3.2).
func (c *simSession) end(_ *Step) {
	if c.busy {
		if !c.numbered && c.srv.rng.IntN(4) > 0 {
			c.tellGone(1 << 30)
		}
		c.tell(c.srv.rng.IntN(3))
	}
	t := &imap.Tagged{Tag: "a", Status: imap.Status{Kind: imap.OK}}
	if c.vanish() && c.srv.rng.IntN(2) == 0 {
		t.Code = &imap.Code{Name: imap.CodeHighestModSeq, Num: uint64(c.safeModSeq())}
	}
	c.emit(t)
}

func (c *simSession) safeModSeq() imap.ModSeq {
	safe := c.srv.modSeq
	for _, g := range c.srv.gone {
		if c.skipped(g.uid) {
			safe = min(safe, g.modSeq-1)
		}
	}
	for _, m := range c.srv.msgs {
		i := slices.IndexFunc(c.view, func(s simSeen) bool { return s.uid == m.uid })
		if i >= 0 && c.view[i].told && (c.view[i].stale || c.view[i].flags != m.flags) {
			safe = min(safe, m.modSeq-1)
		}
	}
	return safe
}

// run answers the command of a step.
func (c *simSession) run(step Step) {
	c.numbered = step.Kind == SearchFlags
	c.between()
	switch step.Kind {
	case FetchFlags:
		c.changed(step.UIDs, step.ChangedSince, step.Vanished, step.ModSeq, nil)
	case SearchFlags:
		c.searchFlags(step.Flags)
	case FetchIdentity:
		c.identify(step.UIDs)
		return
	default:
		c.search(step.ReturnAll)
	}
	c.between()
	c.end(&step)
	c.numbered = false
}

// identify answers a FETCH of what identifies messages.
func (c *simSession) identify(set imap.UIDSet) {
	for _, seen := range slices.Clone(c.view) {
		c.between()
		i := slices.IndexFunc(c.view, func(s simSeen) bool { return s.uid == seen.uid })
		if m := c.srv.find(seen.uid); m != nil && i >= 0 && set.Contains(seen.uid) {
			c.emit(c.srv.identity(i+1, m))
		}
	}
	c.end(nil)
}

// since answers UID SEARCH SINCE.
func (c *simSession) since(at time.Time) (found imap.UIDSet) {
	for _, seen := range c.view {
		if m := c.srv.find(seen.uid); m != nil && m.date >= at.Unix() {
			found.Add(m.uid)
		}
	}
	c.end(nil)
	return found
}

func (c *simSession) search(returnAll bool) {
	var nums []uint32
	omit := c.busy && c.srv.rng.IntN(3) == 0 // what is gone, though the client has not been told
	for _, seen := range c.view {
		if !omit || c.srv.find(seen.uid) != nil {
			nums = append(nums, uint32(seen.uid))
		}
	}
	if returnAll {
		c.result(nums, true)
		return
	}
	c.emit(&imap.Search{Nums: nums})
}

// result sends the result of SEARCH RETURN (ALL), now and then as a server that ignores RETURN.
func (c *simSession) result(nums []uint32, uid bool) {
	if c.srv.rng.IntN(8) == 0 {
		c.emit(&imap.Search{Nums: nums})
		return
	}
	var set imap.UIDSet
	for _, n := range nums {
		set.Add(imap.UID(n))
	}
	c.emit(&imap.ESearch{Tag: "a", UID: uid, All: set})
}

// searchFlags answers SEARCH for flags, from what there is now or from what the session has told.
func (c *simSession) searchFlags(flags []imap.Flag) {
	var nums []uint32
	now := c.srv.rng.IntN(2) == 0
	for i := range c.view {
		seen := &c.view[i]
		has := seen.flags
		if m := c.srv.find(seen.uid); m != nil && (now || !seen.told) {
			has = m.flags
			seen.stale = seen.stale || seen.told && has != seen.flags
		} else if m == nil && now {
			continue
		}
		if slices.ContainsFunc(strings.Fields(has), func(f string) bool { return imap.HasFlag(flags, imap.Flag(f)) }) {
			nums = append(nums, uint32(i+1))
		}
	}
	c.result(nums, false)
}
