package imapclient

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapsort"
)

// TooManyError says that a search found more messages than SearchOptions.MaxLocal allows to sort or thread
// on this side. Nothing was fetched. Search for less.
type TooManyError struct{ Found, Max uint64 }

func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d messages are too many to put in order on this side (SearchOptions.MaxLocal is %d): search for less", e.Found, e.Max)
}

// casemap is the collation i;unicode-casemap (RFC 5051), which servers sort by (RFC 5256 section 7).
func casemap(s string) string { return norm.NFKD.String(imapsort.Casemap(s)) }

func (c *Conn) sortHere(ctx context.Context, keys []imap.SortKey, key imap.SearchKey, o *SearchOptions) (*searchAnswer, error) {
	messages, err := c.fetchToOrder(ctx, key, &imap.FetchOptions{Items: itemsFor(keys)}, o)
	if err != nil {
		return nil, err
	}
	nums, err := imapsort.Sort(messages, keys, casemap)
	if err != nil {
		return nil, err
	}
	res := &searchAnswer{answered: true, plain: true}
	res.Order = make(imap.UIDList, 0, len(nums))
	for _, n := range nums {
		res.Order.Add(imap.UID(n))
	}
	return res, nil
}

func (c *Conn) threadHere(ctx context.Context, algorithm string, key imap.SearchKey, o *SearchOptions) ([]imap.ThreadNode, error) {
	fetch := &imap.FetchOptions{Items: imap.ItemEnvelope | imap.ItemInternalDate}
	if algorithm != "ORDEREDSUBJECT" {
		fetch.Sections = []imap.SectionRequest{{Text: imap.SectionHeaderFields, Fields: []string{"References"}}}
	}
	messages, err := c.fetchToOrder(ctx, key, fetch, o)
	if err != nil {
		return nil, err
	}
	return imapsort.Thread(messages, algorithm, casemap)
}

// itemsFor returns what must be fetched to sort by keys.
func itemsFor(keys []imap.SortKey) (items imap.Items) {
	for _, k := range keys {
		switch strings.ToUpper(k.Key) {
		case "ARRIVAL":
			items |= imap.ItemInternalDate
		case "SIZE":
			items |= imap.ItemSize
		case "DATE":
			items |= imap.ItemEnvelope | imap.ItemInternalDate
		default:
			items |= imap.ItemEnvelope
		}
	}
	return items
}

// fetchToOrder searches for messages and fetches what it takes to order them.
func (c *Conn) fetchToOrder(ctx context.Context, key imap.SearchKey, fetch *imap.FetchOptions, o *SearchOptions) ([]imapsort.Message, error) {
	found, err := c.Search(ctx, key)
	if err != nil {
		return nil, err
	}
	most := uint64(cmp.Or(max(o.MaxLocal, 0), 1_000_000))
	if n := found.UIDs.Len(); n > most {
		return nil, &TooManyError{Found: n, Max: most}
	}
	var messages []imapsort.Message // as many as come, not as many as were announced
	seen := map[imap.UID]bool{}
	for m, err := range c.Fetch(ctx, found.UIDs, fetch) {
		if err != nil {
			return nil, err
		}
		if !seen[m.UID] && found.UIDs.Contains(m.UID) {
			seen[m.UID] = true
			messages = append(messages, imapsort.FromFetch(m, o.Charset))
		}
	}
	return messages, nil
}
