package imapclient

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// secrets are what a login sends and what must not come back: some servers repeat a command that they
// did not understand, and their words go to errors, traces and handlers. A nil one hides nothing.
type secrets struct{ pieces []string }

const (
	// minSecret is the shortest secret that is looked for: a shorter one would hide parts of words.
	minSecret = 4
	// echoPiece is how many bytes in a row of a secret count as the secret.
	echoPiece = 8
)

func (s *secrets) add(texts ...string) {
	for _, text := range texts {
		if len(text) >= minSecret {
			s.pieces = append(s.pieces, text)
		}
	}
	for _, text := range texts {
		if len(text) >= minSecret && strings.ContainsAny(text, `"\`) {
			s.pieces = append(s.pieces, strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(text))
		}
	}
}

// addLine adds a message of a mechanism: its base64, and what it shows by itself.
func (s *secrets) addLine(message []byte) {
	s.add(base64.StdEncoding.EncodeToString(message))
	if i := bytes.LastIndexByte(message, 0); i >= 0 { // PLAIN
		s.add(string(message[i+1:]))
	}
	if _, token, ok := bytes.Cut(message, []byte("auth=Bearer ")); ok { // RFC 7628 section 3.1
		token, _, _ = bytes.Cut(token, []byte{1})
		s.add(string(token))
	}
}

// hide overwrites in a response what is secret with "*", without changing its length. The names of
// responses and response codes stay: a password may be the word IDLE.
func (s *secrets) hide(response []byte) {
	if s == nil {
		return
	}
	text := humanText(response)
	secret := make([]bool, len(text))
	for _, piece := range s.pieces {
		n := min(len(piece), echoPiece)
		grams := make(map[string]bool, len(piece))
		for i := 0; i+n <= len(piece); i++ {
			grams[piece[i:i+n]] = true
		}
		for i := 0; i+n <= len(text); i++ {
			if grams[string(text[i:i+n])] {
				for j := i; j < i+n; j++ {
					secret[j] = true
				}
			}
		}
	}
	for i, hidden := range secret {
		if hidden {
			text[i] = '*'
		}
	}
}

// humanText returns the part of a response in which a server can repeat what it likes.
func humanText(response []byte) []byte {
	first, rest, _ := bytes.Cut(response, []byte(" "))
	name, text, _ := bytes.Cut(rest, []byte(" "))
	switch strings.ToUpper(string(name)) {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		if i := bytes.IndexByte(text, ']'); i >= 0 && text[0] == '[' {
			return text[i:]
		}
		return text
	case "CAPABILITY":
		return nil
	}
	if bytes.Equal(first, []byte("+")) {
		return nil // a challenge, which a trace hides
	}
	return response
}

// hideEcho hides the secrets of the login under way in a response, before anybody sees it.
func (c *Conn) hideEcho(response []byte) {
	for _, cmd := range c.pending {
		cmd.secrets.hide(response)
	}
}
