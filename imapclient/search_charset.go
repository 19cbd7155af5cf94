package imapclient

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pushmail/pushmail/imap"
)

// CharsetError says that the server does not search for characters beyond US-ASCII, neither in UTF-8 nor in
// a character set that it knows and that has them. Search for less of the text.
type CharsetError struct {
	// Known are the character sets that the server says it knows; it need not say any.
	Known []string
	Err   *imap.StatusError
}

func (e *CharsetError) Error() string {
	return fmt.Sprintf("the server does not search for characters beyond US-ASCII: %v", e.Err)
}
func (e *CharsetError) Unwrap() error { return e.Err }

// searchCharset is a character set that queries can be encoded in.
type searchCharset struct {
	name   string
	encode func(imap.SearchKey) imap.SearchKey
}

// otherCharset returns the character set to search in after the server has refused UTF-8.
func (s *searching) otherCharset(err error) (searchCharset, bool) {
	refused, ok := badCharset(err)
	if !ok || s.o.Charset != "" {
		return searchCharset{}, false
	}
	// RFC 5182 section 2.2, example 5: "$" is empty after a refused SAVE.
	if s.o.Return.Has(imap.ReturnSave) && hasKey(&s.key, imap.SearchSaved) {
		return searchCharset{}, false
	}
	for _, name := range knownCharsets(refused) {
		if isLatin1(name) && fitsLatin1(&s.key) {
			return searchCharset{name, latin1Key}, true
		}
	}
	return searchCharset{}, false
}

func badCharset(err error) (*imap.StatusError, bool) {
	var status *imap.StatusError
	ok := errors.As(err, &status) && status.HasCode(imap.CodeBadCharset)
	return status, ok
}

// knownCharsets are the arguments of BADCHARSET.
func knownCharsets(status *imap.StatusError) []string {
	var out []string
	for _, word := range status.Code.Words {
		out = append(out, strings.Fields(strings.Trim(word, "()"))...)
	}
	return out
}

// explainCharset makes a *CharsetError of a refusal of the character set.
func explainCharset(err error, key *imap.SearchKey) error {
	status, ok := badCharset(err)
	if !ok || isASCIIKey(key) {
		return err
	}
	return &CharsetError{Known: knownCharsets(status), Err: status}
}

func isLatin1(name string) bool {
	return slices.ContainsFunc([]string{"ISO-8859-1", "ISO_8859-1", "LATIN1", "ISO8859-1"}, func(known string) bool {
		return strings.EqualFold(strings.Trim(name, `"`), known)
	})
}

// isEncoded reports whether the text of a key goes in the character set of the command.
func isEncoded(k *imap.SearchKey) bool { return k.Op != imap.SearchGmailLabel && k.Text != "" }

func isASCIIKey(key *imap.SearchKey) bool {
	return eachKey(key, func(k *imap.SearchKey) bool {
		return !isEncoded(k) || !strings.ContainsFunc(k.Text, func(r rune) bool { return r >= 0x80 })
	})
}

func fitsLatin1(key *imap.SearchKey) bool {
	return eachKey(key, func(k *imap.SearchKey) bool {
		return !isEncoded(k) || !strings.ContainsFunc(k.Text, func(r rune) bool { return r > 0xff })
	})
}

// latin1Key returns the query with its texts in ISO-8859-1.
func latin1Key(key imap.SearchKey) imap.SearchKey {
	if isEncoded(&key) {
		text := make([]byte, 0, len(key.Text))
		for _, r := range key.Text {
			text = append(text, byte(r))
		}
		key.Text = string(text)
	}
	keys := make([]imap.SearchKey, len(key.Keys))
	for i := range keys {
		keys[i] = latin1Key(key.Keys[i])
	}
	key.Keys = keys
	return key
}
