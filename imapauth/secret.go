package imapauth

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Secret is a password or a token that does not show: fmt with any verb, encoding/json and whatever
// else asks for text, and log/slog all get a mask. Only [Secret.Reveal] gives it away.
//
// It holds a pointer, for fmt looks into the unexported fields of a struct without asking their
// methods, and a pointer is all that it finds there. Compare with [Secret.Equal], not with ==. The
// zero value is no secret.
type Secret struct{ text *string }

const mask = "***"

// NewSecret returns text as a Secret. The empty text is no secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the secret itself, "" for none.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal reports whether s and t are the same text, in a time that does not depend on where they differ.
func (s Secret) Equal(t Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(t.Reveal())) == 1
}

// String returns a mask, or "" if there is no secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return mask
}

// GoString returns a mask.
func (s Secret) GoString() string { return fmt.Sprintf("imapauth.Secret(%s)", s.String()) }

// Format writes a mask for every verb.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'v' && f.Flag('#') {
		text = s.GoString()
	}
	io.WriteString(f, text)
}

// LogValue returns a mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText returns a mask, for JSON, XML, TOML, YAML and flags.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON returns a mask.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// UnmarshalText takes text as the secret. The mask is refused: a secret that was written and read
// again is lost, and must not become "***".
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == mask {
		return fmt.Errorf("imapauth: %q is not a secret but its mask", mask)
	}
	*s = NewSecret(string(text))
	return nil
}
