package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
)

// SearchResult is what a search found. Fields that were not asked for are zero.
type SearchResult struct {
	// UIDs are the messages found, as ranges: of [Conn.Search], and where imap.ReturnAll was asked for.
	UIDs imap.UIDSet
	// Order are the messages found in the order of [Conn.Sort], which leaves UIDs empty.
	Order imap.UIDList

	// Count is how many messages were found. It is there whenever UIDs or Order is.
	Count uint32
	// Min and Max are the least and the greatest UID found, or the first and the last of Order. They are 0 if
	// nothing was found, and there whenever UIDs or Order is.
	Min, Max imap.UID
	// Partial is the window of the result that SearchOptions.Partial asked for: its Nums are empty if it is
	// beyond the end. Of [Conn.Sort] its Order has the UIDs in their order, ascending or not.
	Partial *imap.ESearchPartial
	// Relevancy has a score from 1 to 100 for each message found, in their order (RFC 6203 section 4).
	Relevancy []uint32
	// ModSeq is the highest modification sequence of those found, if the search was by one (RFC 7162 section
	// 3.1.5); with Min and Max alone, of these two.
	ModSeq imap.ModSeq

	// Mailbox and UIDValidity say where the UIDs belong ([Conn.SearchMailboxes] only).
	Mailbox     string
	UIDValidity uint32

	// Local: the server does not offer all that was asked for, and the rest was done on this side.
	Local bool
	// Unknown has return data that this module does not know, as it was received.
	Unknown []imap.RawItem
}

// SearchOptions say what a search is to return, and what may be done without the server. Nil means the zero
// value.
type SearchOptions struct {
	// Return says what to return; zero means imap.ReturnAll, or only Partial if there is one. Where
	// the server has no ESEARCH (RFC 4731), what is asked for is taken from the list of all messages.
	//
	// imap.ReturnSave has the server remember the result as "$", for [imap.Saved] and [imap.SavedResult],
	// until a mailbox is selected (RFC 5182); it needs SEARCHRES. With imap.ReturnMin or imap.ReturnMax and
	// neither imap.ReturnAll nor imap.ReturnCount it remembers these messages alone. A refusal has the code
	// NOTSAVED, and "$" is empty then.
	//
	// imap.ReturnRelevancy needs SEARCH=FUZZY and an [imap.Fuzzy] key (RFC 6203). imap.ReturnContext is a hint
	// that the same search will come again (RFC 5267), which is left out where the server does not
	// know it. For imap.ReturnUpdate see [Conn.SearchLive].
	Return imap.SearchReturn
	// Partial asks for a window of the result (RFC 9394, RFC 5267): positions from 1, or both negative to
	// count from the end. It does not go together with imap.ReturnAll. Where the server cannot do it, the window
	// is cut from the list of all.
	Partial *imap.PartialRange

	// ServerOnly has [Conn.Sort] and [Conn.Thread] fail with an *[UnsupportedError] where the server cannot
	// do it, instead of fetching what they need to do it here.
	ServerOnly bool
	// MaxLocal bounds how many messages they fetch for that; more are a *[TooManyError]. Zero means 1,000,000,
	// which can take 500 MB.
	MaxLocal int
	// Charset decodes encoded words for that, as in imap.DecodeWords. Nil knows UTF-8, US-ASCII, ISO-8859-1
	// and windows-1252.
	Charset imap.CharsetReader
}

// Search finds messages of the selected mailbox by UID SEARCH (RFC 9051 section 6.4.4). It is
// [Conn.SearchWith] without options: the answer is in UIDs, Count, Min and Max.
func (c *Conn) Search(ctx context.Context, key imap.SearchKey) (*SearchResult, error) {
	return c.SearchWith(ctx, key, nil)
}

// SearchWith is [Conn.Search] with a say in what is returned: a count, a window, a result that the server
// remembers. Where the server offers ESEARCH (RFC 4731), the answer is as short as the ranges are.
//
// A key of an extension that the server does not offer is an *[UnsupportedError] that names it, and nothing is
// sent: WITHIN for ages (RFC 5032), CONDSTORE for mod-sequences (RFC 7162), SAVEDATE (RFC 8514), OBJECTID
// (RFC 8474), SEARCH=FUZZY (RFC 6203), FILTERS (RFC 5466), SEARCHRES for "$" (RFC 5182), ANNOTATE-EXPERIMENT-1
// (RFC 5257), X-GM-EXT-1 for those of Gmail. A filter that does not exist is refused with the code
// UNDEFINED-FILTER.
//
// Text beyond US-ASCII goes as UTF-8, with CHARSET unless UTF8=ACCEPT or IMAP4rev2 is enabled, which
// make it superfluous (RFC 6855 section 3). A server that does not know UTF-8 (BADCHARSET) is asked once more
// in ISO-8859-1, if it says that it knows that and the text fits; else the error is a *[CharsetError].
//
// On a server that limits the messages of one command (MESSAGELIMIT, RFC 9738) the search goes on until all
// messages were searched, unless there is Partial or Save, which are an error then.
//
// Options that make no sense and texts that cannot be sent (NUL, not UTF-8) are an *[imapwire.ArgumentError], and
// nothing is sent. An answer that cannot be read is an *[AnswerError], not an empty result.
//
// A set of UIDs that is the key, or one of those that it joins with And, and is too long for one command is
// searched in parts, but with Partial or Save. If ctx ends on the way, the connection
// stays usable; with imap.ReturnSave it is unknown what "$" is.
func (c *Conn) SearchWith(ctx context.Context, key imap.SearchKey, o *SearchOptions) (*SearchResult, error) {
	if err := c.need(StateSelected); err != nil {
		return nil, err
	}
	p, err := c.planSearch(&key, o)
	if err != nil {
		return nil, notSent(err)
	}
	res, err := c.searchAll(ctx, p.sent, key)
	if err != nil {
		return nil, err
	}
	return p.finish(res)
}

// SearchSeq finds messages by SEARCH, as sequence numbers, which mean something only as long as no
// EXPUNGE has come: prefer [Conn.Search]. Keys and errors are the same.
func (c *Conn) SearchSeq(ctx context.Context, key imap.SearchKey) (imap.SeqSet, error) {
	if err := c.need(StateSelected); err != nil {
		return nil, err
	}
	if err := c.requireKey(&key); err != nil {
		return nil, err
	}
	var o imap.SearchOptions
	if c.Capabilities().Has(imap.CapESearch) {
		o.Return = imap.ReturnAll
	}
	res, err := c.runSearch(ctx, &searching{o: o, bySeq: true, key: key})
	if err != nil {
		return nil, err
	}
	nums := make(imap.SeqSet, len(res.UIDs))
	for i, r := range res.UIDs {
		nums[i] = imap.Range[imap.SeqNum]{First: imap.SeqNum(r.First), Last: imap.SeqNum(r.Last)}
	}
	return nums, nil
}
