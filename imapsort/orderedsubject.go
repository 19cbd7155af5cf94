package imapsort

import (
	"slices"

	"github.com/pushmail/pushmail/imap"
)

// orderedSubject is the ORDEREDSUBJECT algorithm, "poor man's threading" (RFC 5256 section 3): the first
// message of a subject is the parent of all others.
func orderedSubject(messages []Message, fold Fold) []imap.ThreadNode {
	sorted := make([]*Message, len(messages))
	for i := range messages {
		sorted[i] = &messages[i]
	}
	slices.SortFunc(sorted, bySentDate)
	place := map[string]int{} // of the thread in threads, by subject
	var threads []imap.ThreadNode
	for _, m := range sorted {
		base, _ := BaseSubject(m.Subject)
		key := fold(base)
		node := imap.ThreadNode{Num: m.Num}
		if i, ok := place[key]; ok {
			threads[i].Children = append(threads[i].Children, node)
			continue
		}
		place[key] = len(threads)
		threads = append(threads, node)
	}
	return threads
}
