package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// signer returns one signature, with its version in front.
type signer func(id string, at time.Time, body []byte) (string, error)

// newSigner reads a secret. Errors never repeat it.
func newSigner(secret string) (signer, error) {
	secret = strings.TrimSpace(secret)
	if text, ok := strings.CutPrefix(secret, "whsec_"); ok {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, errors.New(`after "whsec_" there must be base64`)
		}
		if len(key) < 24 || len(key) > 64 {
			return nil, fmt.Errorf("the key has %d bytes: it must have 24 to 64", len(key))
		}
		hook, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, err
		}
		return hook.Sign, nil
	}
	if text, ok := strings.CutPrefix(secret, "whsk_"); ok {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, errors.New(`after "whsk_" there must be base64`)
		}
		switch len(key) {
		case ed25519.SeedSize:
			key = ed25519.NewKeyFromSeed(key)
		case ed25519.PrivateKeySize:
		default:
			return nil, fmt.Errorf("the key has %d bytes: an ed25519 private key has %d, or its seed %d", len(key), ed25519.PrivateKeySize, ed25519.SeedSize)
		}
		return func(id string, at time.Time, body []byte) (string, error) {
			sig := ed25519.Sign(key, fmt.Appendf(nil, "%s.%d.%s", id, at.Unix(), body))
			return "v1a," + base64.StdEncoding.EncodeToString(sig), nil
		}, nil
	}
	return nil, errors.New(`want "whsec_" and the base64 of 24 to 64 random bytes, or "whsk_" and that of an ed25519 private key`)
}

// sign sets the header fields of Standard Webhooks. The time is that of this try: receivers refuse old ones.
func sign(h http.Header, signers []signer, id string, now time.Time, body []byte) error {
	h.Set(standardwebhooks.HeaderWebhookID, id)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	var all []string
	for _, s := range signers {
		text, err := s(id, now, body)
		if err != nil {
			return fmt.Errorf("sign: %w", err)
		}
		all = append(all, text)
	}
	if len(all) > 0 {
		h.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(all, " "))
	}
	return nil
}
