package imapclient

import (
	"runtime"
	"slices"
	"testing"

	"github.com/pushmail/pushmail/imap"
)

// Some servers write flags as strings, which may have anything in them.
func TestListsThatReadTheSameAreNotTheSame(t *testing.T) {
	var s shared[string, words[imap.Flag]]
	var all []*words[imap.Flag] // shared as long as they are there
	for _, list := range [][]imap.Flag{{"a b"}, {"a", "b"}, {"a b "}, {"a", "b", ""}, {"a\x01b"}, {"a\x00", "b"}, {"a"}} {
		w := wordsOf(&s, list)
		if all = append(all, w); !slices.Equal(w.all(), list) {
			t.Errorf("%q became %q", list, w.all())
		}
		if again := wordsOf(&s, slices.Clone(list)); again != w {
			t.Errorf("%q is there twice", list)
		}
	}
	runtime.KeepAlive(all)
}
