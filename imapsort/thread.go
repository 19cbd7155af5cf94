package imapsort

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// Thread returns the messages as threads by one of the algorithms of the THREAD command, in any case:
//
//   - "ORDEREDSUBJECT": by base subject alone (RFC 5256 section 3).
//   - "REFERENCES": by who refers to whom, and threads with the same subject are put together (RFC 5256
//     section 3).
//   - "REFS": by who refers to whom alone; threads come by the latest sent date in them (as Dovecot has it,
//     after a draft, draft-ietf-morg-inthread, that expired).
//
// A node with Num 0 stands for a message that is not there and joins its children; it only occurs at
// the top. Every message occurs once. It returns an *[AlgorithmError] for any other algorithm.
func Thread(messages []Message, algorithm string, fold Fold) ([]imap.ThreadNode, error) {
	switch strings.ToUpper(algorithm) {
	case "ORDEREDSUBJECT":
		return orderedSubject(messages, orCasemap(fold)), nil
	case "REFERENCES":
		return references(messages, orCasemap(fold)), nil
	case "REFS":
		return refs(messages), nil
	}
	return nil, &AlgorithmError{Algorithm: algorithm}
}

// CheckAlgorithm returns an *[AlgorithmError] for an algorithm that [Thread] does not know, or nil.
func CheckAlgorithm(algorithm string) error {
	_, err := Thread(nil, algorithm, nil)
	return err
}

// AlgorithmError says that messages cannot be threaded by an algorithm.
type AlgorithmError struct{ Algorithm string }

func (e *AlgorithmError) Error() string {
	return fmt.Sprintf("cannot thread by %q: not one of ORDEREDSUBJECT, REFERENCES, REFS", e.Algorithm)
}

// bySentDate compares by sent date and then by place in the mailbox (RFC 5256 section 2.2).
func bySentDate(a, b *Message) int {
	return cmp.Or(a.SentDate().Compare(b.SentDate()), cmp.Compare(a.Num, b.Num))
}
