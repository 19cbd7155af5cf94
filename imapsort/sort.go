package imapsort

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Sort returns the numbers of the messages in the order that SORT with these keys gives them (RFC 5256
// section 3, RFC 5957): "ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM" and
// "DISPLAYTO", in any case. Messages that are equal by all keys come in the order of their numbers; Reverse
// does not change that. It returns a *[KeyError] for any other key, also for "RELEVANCY", which only the
// server knows.
func Sort(messages []Message, keys []imap.SortKey, fold Fold) ([]uint32, error) {
	criteria, err := criteriaOf(keys)
	if err != nil {
		return nil, err
	}
	rows := sortRows(messages, criteria, orCasemap(fold))
	slices.SortFunc(rows, func(a, b sortRow) int {
		for i := range criteria {
			if n := criteria[i].compare(i, &a, &b); n != 0 {
				return n
			}
		}
		return cmp.Compare(a.m.Num, b.m.Num)
	})
	nums := make([]uint32, len(rows))
	for i := range rows {
		nums[i] = rows[i].m.Num
	}
	return nums, nil
}

// CheckKeys returns a *[KeyError] for the first key that [Sort] does not know, or nil.
func CheckKeys(keys []imap.SortKey) error {
	_, err := criteriaOf(keys)
	return err
}

// KeyError says that messages cannot be sorted by a key.
type KeyError struct{ Key string }

func (e *KeyError) Error() string {
	return fmt.Sprintf("cannot sort by %q: not one of ARRIVAL, CC, DATE, FROM, SIZE, SUBJECT, TO, DISPLAYFROM, DISPLAYTO", e.Key)
}

// criterion is a key of SORT: it has either a text, which is made ready once for each message, or values.
type criterion struct {
	text    func(*Message) string
	values  func(a, b *Message) int
	reverse bool
}

var criteriaByName = map[string]criterion{
	"ARRIVAL":     {values: func(a, b *Message) int { return a.Arrival.Compare(b.Arrival) }},
	"DATE":        {values: func(a, b *Message) int { return a.SentDate().Compare(b.SentDate()) }},
	"SIZE":        {values: func(a, b *Message) int { return cmp.Compare(a.Size, b.Size) }},
	"CC":          {text: func(m *Message) string { return m.Cc }},
	"FROM":        {text: func(m *Message) string { return m.From }},
	"TO":          {text: func(m *Message) string { return m.To }},
	"DISPLAYFROM": {text: func(m *Message) string { return m.DisplayFrom }},
	"DISPLAYTO":   {text: func(m *Message) string { return m.DisplayTo }},
	"SUBJECT": {text: func(m *Message) string {
		base, _ := BaseSubject(m.Subject)
		return base
	}},
}

func criteriaOf(keys []imap.SortKey) ([]criterion, error) {
	criteria := make([]criterion, len(keys))
	for i, k := range keys {
		c, ok := criteriaByName[strings.ToUpper(k.Key)]
		if !ok {
			return nil, &KeyError{Key: k.Key}
		}
		c.reverse = k.Reverse
		criteria[i] = c
	}
	return criteria, nil
}

// sortRow is a message with a text for each criterion that has one.
type sortRow struct {
	m     *Message
	texts []string
}

func sortRows(messages []Message, criteria []criterion, fold Fold) []sortRow {
	rows := make([]sortRow, len(messages))
	texts := make([]string, len(messages)*len(criteria))
	for i := range messages {
		n := len(criteria)
		rows[i] = sortRow{&messages[i], texts[i*n : (i+1)*n]}
		for j, c := range criteria {
			if c.text != nil {
				rows[i].texts[j] = fold(c.text(&messages[i]))
			}
		}
	}
	return rows
}

// compare compares by the criterion, which is the one number i.
func (c *criterion) compare(i int, a, b *sortRow) int {
	if c.reverse {
		a, b = b, a
	}
	if c.text != nil {
		return strings.Compare(a.texts[i], b.texts[i])
	}
	return c.values(a.m, b.m)
}

func orCasemap(fold Fold) Fold {
	if fold == nil {
		return Casemap
	}
	return fold
}
