package imapauth

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"errors"

	"github.com/emersion/go-sasl"
)

// CRAMMD5Client returns the CRAM-MD5 mechanism (RFC 2195). The password is not shown, but whoever reads
// the connection can try passwords on what is, and the server must keep them readable and proves nothing:
// on TLS PLAIN is no worse.
func CRAMMD5Client(username string, password Secret) sasl.Client {
	return &cramMD5{username: username, password: password}
}

type cramMD5 struct {
	username string
	password Secret
	answered bool
}

func (c *cramMD5) Start() (string, []byte, error) {
	if hasNUL(c.username, c.password.Reveal()) {
		return "", nil, errNUL
	}
	c.answered = false
	return string(CRAMMD5), nil, nil
}

func (c *cramMD5) Next(challenge []byte) ([]byte, error) {
	if c.answered {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	if len(challenge) == 0 {
		return nil, errors.New("the challenge is empty")
	}
	c.answered = true
	mac := hmac.New(md5.New, []byte(c.password.Reveal()))
	mac.Write(challenge)
	return append([]byte(c.username+" "), hex.EncodeToString(mac.Sum(nil))...), nil
}

func (c *cramMD5) Judged() bool { return c.answered }

func (c *cramMD5) Finished() error {
	if !c.answered {
		return unfinished(CRAMMD5)
	}
	return nil
}
