package imapauth

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Limits of what a server may ask of us in SCRAM.
const (
	// MinIterations is the least iteration count (RFC 7677 section 4): below it, who hears the
	// exchange tries passwords too fast.
	MinIterations = 4096
	// MaxIterations is the highest: about a second of one core. Servers use 4,096 to 600,000.
	MaxIterations = 1_000_000

	maxServerFirst = 4096
	maxNonce       = 1024
	maxSalt        = 1024
)

// checkServerFirst checks the server's first message against its grammar (RFC 5802 section 7) and our
// limits, before anything is computed from it:
//
//	r=nonce "," s=salt "," i=count *("," extension)
func checkServerFirst(message, clientNonce string) error {
	if len(message) > maxServerFirst {
		return fmt.Errorf("the server's first message has %d bytes, more than %d", len(message), maxServerFirst)
	}
	fields := strings.Split(message, ",")
	for _, field := range fields {
		// RFC 5802 section 5.1: "m" is an extension that must be understood, and nobody has defined one.
		if strings.HasPrefix(field, "m=") {
			return fmt.Errorf("the server wants an extension that we do not have")
		}
	}
	if len(fields) < 3 {
		return fmt.Errorf("the server's first message has %d fields instead of 3", len(fields))
	}
	if err := checkNonce(fields[0], clientNonce); err != nil {
		return err
	}
	if err := checkSalt(fields[1]); err != nil {
		return err
	}
	return checkIterations(fields[2])
}

// checkNonce wants the client's nonce followed by something of the server's (RFC 5802 section 5.1).
func checkNonce(field, clientNonce string) error {
	nonce, ok := strings.CutPrefix(field, "r=")
	own, extended := strings.CutPrefix(nonce, clientNonce)
	switch {
	case !ok:
		return fmt.Errorf("the server's first message does not start with a nonce")
	case !extended:
		return fmt.Errorf("the server's nonce does not start with ours: this is the answer to another login")
	case own == "":
		return fmt.Errorf("the server has added nothing to our nonce")
	case len(own) > maxNonce:
		return fmt.Errorf("the server's nonce has more than %d bytes", maxNonce)
	}
	for i := range len(own) {
		if own[i] <= ' ' || own[i] >= 0x7f {
			return fmt.Errorf("the server's nonce is not printable")
		}
	}
	return nil
}

func checkSalt(field string) error {
	text, ok := strings.CutPrefix(field, "s=")
	salt, err := base64.StdEncoding.Strict().DecodeString(text)
	switch {
	case !ok:
		return fmt.Errorf("the server sent no salt")
	case err != nil:
		return fmt.Errorf("the server's salt is not base64")
	case len(salt) == 0:
		return fmt.Errorf("the server's salt is empty")
	case len(salt) > maxSalt:
		return fmt.Errorf("the server's salt has more than %d bytes", maxSalt)
	}
	return nil
}

func checkIterations(field string) error {
	text, ok := strings.CutPrefix(field, "i=")
	count, err := strconv.ParseUint(text, 10, 64)
	switch {
	case !ok || text == "" || text[0] < '1' || text[0] > '9' || strings.Trim(text, "0123456789") != "":
		return fmt.Errorf("the server sent no iteration count")
	case err != nil || count > MaxIterations:
		return fmt.Errorf("the server wants more than %d iterations", MaxIterations)
	case count < MinIterations:
		return fmt.Errorf("the server wants %d iterations, which protects the password too little: at least %d", count, MinIterations)
	}
	return nil
}

// serverError returns what follows "e=" in a message of the server.
func serverError(message string) (value string, ok bool) {
	value, ok = strings.CutPrefix(message, "e=")
	value, _, _ = strings.Cut(value, ",")
	return value[:min(len(value), maxServerError)], ok
}

const maxServerError = 100

// checkServerFinal checks the form of the server's last message: v=signature *("," extension).
func checkServerFinal(message string, size int) error {
	text, ok := strings.CutPrefix(message, "v=")
	text, _, _ = strings.Cut(text, ",")
	signature, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(signature) != size {
		return fmt.Errorf("the server's last message has no signature")
	}
	return nil
}
