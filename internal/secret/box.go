package secret

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// Box seals and opens what has to be kept in a database, by AES-256-GCM. It is safe for concurrent use.
//
// What is sealed begins with the version of the form and the id of the key, so that a key can be exchanged: a new one seals, the
// old ones open. It is bound to a name, that of the account: sealed bytes that were moved to another row do not open.
type Box struct {
	seals keyID
	keys  map[keyID]cipher.AEAD
}

// keyID is made of a key, and tells nothing of it.
type keyID [8]byte

const (
	boxVersion = 1
	minKey     = 32 // bytes of a secret that a key is made of: 32 hexadecimal digits are 128 bits
)

// Errors of [Box.Open] and [NewBox].
var (
	// ErrSealed says that what was sealed has been changed, or belongs to another name.
	ErrSealed = errors.New("the sealed credentials were changed, or belong to another account")
	// ErrWeakKey says that a key can be guessed.
	ErrWeakKey = fmt.Errorf("the key is shorter than %d characters: make one with: openssl rand -base64 32", minKey)
)

// UnknownKeyError says that the key is missing by which something was sealed.
type UnknownKeyError struct{ ID string }

// Error implements error.
func (e *UnknownKeyError) Error() string {
	return "sealed with the key " + e.ID + ", which is not configured: add it to old_keys of [secrets]"
}

// NewBox returns a Box that seals with key. It opens what was sealed with key or one of old. A key is a text of at least 32
// random characters, such as "openssl rand -base64 32" prints.
func NewBox(key Secret, old ...Secret) (*Box, error) {
	b := &Box{keys: map[keyID]cipher.AEAD{}}
	for i, k := range append([]Secret{key}, old...) {
		id, aead, err := stretch(k)
		if err != nil {
			return nil, err
		}
		b.keys[id] = aead
		if i == 0 {
			b.seals = id
		}
	}
	return b, nil
}

// OpenBox is NewBox for references.
func (s *Resolver) OpenBox(ctx context.Context, key Ref, old []Ref) (*Box, error) {
	var keys []Secret
	for _, r := range append([]Ref{key}, old...) {
		k, err := s.Secret(ctx, r)
		if err != nil {
			return nil, err
		}
		if len(k.Reveal()) < minKey {
			return nil, &Error{Ref: r, What: ErrWeakKey.Error(), Err: ErrWeakKey}
		}
		keys = append(keys, k)
	}
	return NewBox(keys[0], keys[1:]...)
}

// stretch makes a key of 256 bits and its id of a text that is random, but not in which form (RFC 5869).
func stretch(k Secret) (keyID, cipher.AEAD, error) {
	text := []byte(k.Reveal())
	if len(text) < minKey {
		return keyID{}, nil, ErrWeakKey
	}
	key, err := hkdf.Key(sha256.New, text, nil, "pushmail seal 1", 32)
	if err != nil {
		return keyID{}, nil, err
	}
	id, err := hkdf.Key(sha256.New, text, nil, "pushmail key id 1", len(keyID{}))
	if err != nil {
		return keyID{}, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return keyID{}, nil, err
	}
	// Random nonces of 96 bits are good for some 2^32 seals with one key: NIST SP 800-38D section 8.3.
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return keyID(id), aead, err
}

// Seal seals plain for a name.
func (b *Box) Seal(name string, plain []byte) []byte {
	head := append([]byte{boxVersion}, b.seals[:]...)
	return b.keys[b.seals].Seal(head, nil, plain, bound(head, name))
}

// Open returns what was sealed for a name. The error is ErrSealed or an *[UnknownKeyError].
func (b *Box) Open(name string, sealed []byte) ([]byte, error) {
	const headSize = 1 + len(keyID{})
	switch {
	case len(sealed) < headSize:
		return nil, ErrSealed
	case sealed[0] != boxVersion:
		return nil, fmt.Errorf("sealed in form %d, which this version does not know: a newer pushmail wrote it", sealed[0])
	}
	id := keyID(sealed[1:headSize])
	aead, ok := b.keys[id]
	if !ok {
		return nil, &UnknownKeyError{ID: hex.EncodeToString(id[:])}
	}
	plain, err := aead.Open(nil, nil, sealed[headSize:], bound(sealed[:headSize], name))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Stale reports whether something was sealed with an old key, and should be sealed anew.
func (b *Box) Stale(sealed []byte) bool {
	return len(sealed) > len(b.seals) && keyID(sealed[1:1+len(b.seals)]) != b.seals
}

// bound is the additional data that is authenticated.
func bound(head []byte, name string) []byte { return append(append([]byte{}, head...), name...) }
