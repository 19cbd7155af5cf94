package imap

// NumSet is a set of messages for a command that takes UIDs as well as sequence numbers: a [UIDSet],
// a [SeqSet], or a [SavedResult].
type NumSet interface {
	// AppendText appends the set in the form of the wire.
	AppendText(dst []byte) ([]byte, error)
	// Empty reports whether the set holds nothing, so that no command can be sent for it.
	Empty() bool
	// ByUID reports whether the numbers are UIDs.
	ByUID() bool
}

// ByUID reports whether s is a [UIDSet].
func (s Set[N]) ByUID() bool {
	_, ok := any(s).(UIDSet)
	return ok
}

// SavedResult is the result that the last SEARCH with RETURN (SAVE) left at the server, "$" (RFC 5182).
type SavedResult struct {
	// UID has the answers carry UIDs: the UID form of the command is sent.
	UID bool
}

// AppendText appends "$".
func (SavedResult) AppendText(dst []byte) ([]byte, error) { return append(dst, '$'), nil }

// Empty reports false: only the server knows.
func (SavedResult) Empty() bool { return false }

// ByUID reports r.UID.
func (r SavedResult) ByUID() bool { return r.UID }
