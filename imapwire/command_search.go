package imapwire

import (
	"strings"
	"unicode/utf8"

	"github.com/pushmail/pushmail/imap"
)

// Bounds of a query. Servers have bounds of their own, mostly lower.
const (
	maxSearchDepth = 64
	maxSearchKeys  = 100_000
)

// SearchCommand returns the name of the command for o: SEARCH, SORT, THREAD or ESEARCH, with "UID "
// before it for answers in UIDs. ESEARCH (RFC 7377) has no such form: its answers are UIDs.
func SearchCommand(o *imap.SearchOptions, uid bool) string {
	name := "SEARCH"
	switch {
	case o != nil && len(o.In) > 0:
		return "ESEARCH"
	case o != nil && len(o.Sort) > 0:
		name = "SORT"
	case o != nil && o.Thread != "":
		name = "THREAD"
	}
	if uid {
		return "UID " + name
	}
	return name
}

// Search appends a plain query, with its character set if it needs one.
func (c *Command) Search(key imap.SearchKey) *Command { return c.SearchWith(nil, key) }

// SearchWith appends all arguments of SEARCH, SORT (RFC 5256), THREAD or ESEARCH (RFC 7377), as o, which
// can be nil, has it: see [SearchCommand].
func (c *Command) SearchWith(o *imap.SearchOptions, key imap.SearchKey) *Command {
	if o == nil {
		o = &imap.SearchOptions{}
	}
	if len(o.In) > 0 {
		c.Atom("IN").List(func(c *Command) {
			for i := range o.In {
				c.mailboxSelector(&o.In[i])
			}
		})
	}
	c.searchReturn(o)
	var survey searchSurvey
	if reason := survey.take(&key, 0); reason != "" {
		return c.fail("search key", reason)
	}
	if survey.notUTF8 && o.Charset == "" {
		return c.fail("search key", "is not UTF-8")
	}
	mandatory := false // the character set
	switch {
	case len(o.Sort) > 0:
		c.sortKeys(o.Sort)
		mandatory = true
	case o.Thread != "":
		c.Atom(o.Thread)
		mandatory = true
	}
	c.searchCharset(o.Charset, mandatory, survey.needsUTF8)
	return c.searchTop(&key)
}

func (c *Command) searchReturn(o *imap.SearchOptions) *Command {
	if o.Return == 0 && o.Partial == nil {
		return c
	}
	has := o.Return.Has
	words := chosen([]choice{
		{has(imap.ReturnMin), "MIN"},
		{has(imap.ReturnMax), "MAX"},
		{has(imap.ReturnAll), "ALL"},
		{has(imap.ReturnCount), "COUNT"},
		{has(imap.ReturnSave), "SAVE"},
		{has(imap.ReturnRelevancy), "RELEVANCY"},
		{has(imap.ReturnUpdate), "UPDATE"},
		{has(imap.ReturnContext), "CONTEXT"},
	})
	return c.Atom("RETURN").List(func(c *Command) {
		for _, w := range words {
			c.raw(w)
		}
		if o.Partial != nil {
			c.Atom("PARTIAL").partial(o.Partial)
		}
	})
}

func (c *Command) sortKeys(keys []imap.SortKey) *Command {
	return c.List(func(c *Command) {
		for _, k := range keys {
			if k.Reverse {
				c.raw("REVERSE")
			}
			c.Atom(k.Key)
		}
	})
}

// searchCharset appends the character set: where SORT and THREAD must have one, and where SEARCH needs
// one. After ENABLE UTF8=ACCEPT SEARCH must not have one (RFC 6855 section 3).
func (c *Command) searchCharset(charset string, mandatory, needed bool) {
	switch {
	case charset != "":
		needed = true
	case needed:
		charset = "UTF-8"
	default:
		charset = "US-ASCII"
	}
	switch {
	case mandatory:
		c.Atom(charset)
	case needed && !c.opts.UTF8:
		c.Atom("CHARSET").Atom(charset)
	}
}

// searchSurvey looks through a query before it is written.
type searchSurvey struct {
	keys int
	// needsUTF8: a string has 8-bit bytes. Labels do not count, they are encoded to US-ASCII.
	needsUTF8 bool
	notUTF8   bool // a string is neither US-ASCII nor UTF-8
}

// take returns what is wrong with the size of the query, or "".
func (s *searchSurvey) take(key *imap.SearchKey, depth int) string {
	if s.keys++; s.keys > maxSearchKeys {
		return "has too many parts"
	}
	if depth > maxSearchDepth {
		return "is nested too deep"
	}
	if key.Op != imap.SearchGmailLabel && !isASCII(key.Text) {
		s.needsUTF8 = true
		s.notUTF8 = s.notUTF8 || !utf8.ValidString(key.Text)
	}
	for i := range key.Keys {
		if reason := s.take(&key.Keys[i], depth+1); reason != "" {
			return reason
		}
	}
	return ""
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// searchTop appends a query as the command has it: keys one after another.
func (c *Command) searchTop(key *imap.SearchKey) *Command {
	if keys := flatten(nil, key); key.Op == imap.SearchAnd && len(keys) > 0 {
		for _, k := range keys {
			c.searchKey(k)
		}
		return c
	}
	return c.searchKey(key)
}

// flatten appends the keys of an AND, and of the ANDs in it.
func flatten(dst []*imap.SearchKey, key *imap.SearchKey) []*imap.SearchKey {
	if key.Op != imap.SearchAnd {
		return append(dst, key)
	}
	for i := range key.Keys {
		dst = flatten(dst, &key.Keys[i])
	}
	return dst
}

// searchKey appends one "search-key".
func (c *Command) searchKey(key *imap.SearchKey) *Command {
	switch key.Op {
	case imap.SearchAnd:
		return c.searchAnd(flatten(nil, key))
	case imap.SearchOr:
		return c.searchOr(key.Keys)
	case imap.SearchNot:
		return c.searchNot(key)
	case imap.SearchFuzzy:
		if len(key.Keys) != 1 {
			return c.fail("search key", "FUZZY goes with one key")
		}
		return c.raw("FUZZY").searchKey(&key.Keys[0])
	case imap.SearchFlag:
		return c.searchFlag(key.Flag, false)
	}
	return c.searchLeaf(key)
}

// searchAnd appends what matches all keys, as one key.
func (c *Command) searchAnd(keys []*imap.SearchKey) *Command {
	switch len(keys) {
	case 0:
		return c.raw("ALL")
	case 1:
		return c.searchKey(keys[0])
	}
	return c.List(func(c *Command) {
		for _, k := range keys {
			c.searchKey(k)
		}
	})
}

// searchOr appends what matches one of the keys. OR takes two, so more become a tree, as flat as can be.
func (c *Command) searchOr(keys []imap.SearchKey) *Command {
	switch len(keys) {
	case 0:
		return c.raw("NOT").raw("ALL")
	case 1:
		return c.searchKey(&keys[0])
	}
	half := len(keys) / 2
	return c.raw("OR").searchOr(keys[:half]).searchOr(keys[half:])
}

func (c *Command) searchNot(key *imap.SearchKey) *Command {
	if len(key.Keys) != 1 {
		return c.fail("search key", "NOT goes with one key")
	}
	inner := &key.Keys[0]
	if inner.Op == imap.SearchFlag {
		return c.searchFlag(inner.Flag, true)
	}
	return c.raw("NOT").searchKey(inner)
}

// searchFlags has the keys for flags, with and without.
var searchFlags = map[imap.Flag][2]string{
	imap.FlagSeen:     {"SEEN", "UNSEEN"},
	imap.FlagAnswered: {"ANSWERED", "UNANSWERED"},
	imap.FlagFlagged:  {"FLAGGED", "UNFLAGGED"},
	imap.FlagDeleted:  {"DELETED", "UNDELETED"},
	imap.FlagDraft:    {"DRAFT", "UNDRAFT"},
	imap.FlagRecent:   {"RECENT", "OLD"},
}

func (c *Command) searchFlag(flag imap.Flag, not bool) *Command {
	i, keyword := 0, "KEYWORD"
	if not {
		i, keyword = 1, "UNKEYWORD"
	}
	if words, ok := searchFlags[imap.CanonicalFlag(string(flag))]; ok {
		return c.raw(words[i])
	}
	return c.raw(keyword).Atom(string(flag))
}

// searchLeaf appends a key that has no others in it.
func (c *Command) searchLeaf(key *imap.SearchKey) *Command {
	switch key.Op {
	case imap.SearchUID:
		return c.searchSet("UID", key.UIDs)
	case imap.SearchSeq:
		return c.searchSet("", key.Seqs)
	case imap.SearchSaved, imap.SearchNew, imap.SearchSaveDateSupported:
		return c.raw(string(key.Op))
	case imap.SearchFrom, imap.SearchTo, imap.SearchCc, imap.SearchBcc, imap.SearchSubject, imap.SearchBody, imap.SearchText,
		imap.SearchGmailRaw:
		return c.raw(string(key.Op)).String(key.Text)
	case imap.SearchHeader:
		return c.raw("HEADER").fieldName(key.Name).String(key.Text)
	case imap.SearchBefore, imap.SearchOn, imap.SearchSince, imap.SearchSentBefore, imap.SearchSentOn, imap.SearchSentSince,
		imap.SearchSavedBefore, imap.SearchSavedOn, imap.SearchSavedSince:
		return c.raw(string(key.Op)).Date(key.Date)
	case imap.SearchLarger, imap.SearchSmaller, imap.SearchGmailMsgID, imap.SearchGmailThreadID:
		return c.raw(string(key.Op)).Number(key.Num)
	case imap.SearchOlder, imap.SearchYounger:
		if key.Num == 0 {
			return c.fail("search key", "of an age of no second")
		}
		return c.raw(string(key.Op)).Number(key.Num)
	case imap.SearchModSeq:
		return c.searchModSeq(key)
	case imap.SearchEmailID, imap.SearchThreadID:
		return c.raw(string(key.Op)).Atom(key.Text)
	case imap.SearchFilter:
		if strings.Contains(key.Name, "/") {
			return c.fail("filter name", `has a "/"`) // RFC 5466 section 4
		}
		return c.raw("FILTER").Atom(key.Name)
	case imap.SearchAnnotation:
		return c.raw("ANNOTATION").AString(key.Name).AString(key.Attribute).String(key.Text)
	case imap.SearchGmailLabel:
		return c.raw("X-GM-LABELS").GmailLabel(key.Text)
	case imap.SearchRaw:
		return c.Raw(key.Text)
	}
	return c.fail("search key", "is unknown")
}

// searchSet appends a set; an empty one, which the grammar does not have, as what matches nothing.
func (c *Command) searchSet(word string, set imap.NumSet) *Command {
	if set.Empty() {
		return c.raw("NOT").raw("ALL")
	}
	if word != "" {
		c.raw(word)
	}
	return c.Set(set)
}

func (c *Command) fieldName(name string) *Command {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
		return c.fail("header field name", "is not valid")
	}
	return c.AString(name)
}

func (c *Command) searchModSeq(key *imap.SearchKey) *Command {
	c.raw("MODSEQ")
	if key.Name != "" {
		c.next()
		c.string("entry name", key.Name)
		c.Atom(key.Text)
	}
	return c.ModSeq(imap.ModSeq(key.Num))
}
