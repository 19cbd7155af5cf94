package imap_test

import (
	"testing"

	"github.com/pushmail/pushmail/imap"
)

// RFC 9738 section 4, without the trap of "n:*", which always has the last message.
func TestUIDsBeforeAndAfter(t *testing.T) {
	for _, test := range []struct {
		key  imap.SearchKey
		want string
	}{
		{imap.UIDAfter(5), "6:4294967295"},
		{imap.UIDAfter(0), "1:4294967295"},
		{imap.UIDAfter(4294967294), "4294967295"},
		{imap.UIDAfter(4294967295), ""},
		{imap.UIDBefore(5), "1:4"},
		{imap.UIDBefore(2), "1"},
		{imap.UIDBefore(1), ""},
		{imap.UIDBefore(0), ""},
	} {
		if test.key.Op != imap.SearchUID || test.key.UIDs.String() != test.want {
			t.Errorf("got %s %v, want UID %s", test.key.Op, test.key.UIDs, test.want)
		}
	}
}
