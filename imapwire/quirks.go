package imapwire

// Quirk is a tolerance: something that a real server sends against the rules, and that is understood
// all the same.
type Quirk uint8

// QuirkSet is a set of quirks.
type QuirkSet uint64

// Quirks returns the set of the given quirks.
func Quirks(quirks ...Quirk) QuirkSet {
	var s QuirkSet
	for _, q := range quirks {
		s |= 1 << q
	}
	return s
}

// Has reports whether s holds q.
func (s QuirkSet) Has(q Quirk) bool { return s&(1<<q) != 0 }

// TODO placeholder
const (
	QuirkStrayLineEnd Quirk = iota
	QuirkLiteralHeader
)
