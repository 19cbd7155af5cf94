package imapclient_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"sync"
	"testing"
)

// rekeying is the server's end of a TLS 1.3 connection that can ask for new keys (RFC 8446 section 4.6.3), which
// crypto/tls does for nobody: it reads with crypto/tls, and makes the records it writes by itself.
type rekeying struct {
	*tls.Conn
	raw net.Conn

	mu     sync.Mutex
	secret []byte // guarded by mu
	seq    uint64 // guarded by mu: records written with it
}

const (
	recordHandshake = 22
	recordData      = 23
)

// newRekeying does the handshake of the server on raw.
func newRekeying(t *testing.T, raw net.Conn, config *tls.Config) *rekeying {
	var keys bytes.Buffer
	config = config.Clone()
	config.KeyLogWriter, config.SessionTicketsDisabled, config.MinVersion = &keys, true, tls.VersionTLS13
	r := &rekeying{Conn: tls.Server(raw, config), raw: raw}
	if err := r.Handshake(); err != nil {
		t.Error(err)
		return r
	}
	if suite := r.ConnectionState().CipherSuite; suite != tls.TLS_AES_128_GCM_SHA256 {
		t.Errorf("no records with %s", tls.CipherSuiteName(suite))
	}
	const label = "SERVER_TRAFFIC_SECRET_0 "
	_, line, _ := bytes.Cut(keys.Bytes(), []byte(label))
	var random, secret string
	if _, err := fmt.Sscan(string(line), &random, &secret); err != nil {
		t.Error(err)
	}
	r.secret, _ = hex.DecodeString(secret)
	return r
}

// expand is HKDF-Expand-Label of RFC 8446 section 7.1 without a context.
func (r *rekeying) expand(label string, n int) []byte {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(append(append(info, byte(len(label))), label...), 0)
	key, err := hkdf.Expand(sha256.New, r.secret, string(info), n)
	if err != nil {
		panic(err)
	}
	return key
}

// writeLocked writes one record (RFC 8446 section 5.2).
func (r *rekeying) writeLocked(kind byte, b []byte) error {
	block, err := aes.NewCipher(r.expand("key", 16))
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	nonce := r.expand("iv", aead.NonceSize())
	for i, b := range binary.BigEndian.AppendUint64(nil, r.seq) {
		nonce[len(nonce)-8+i] ^= b
	}
	r.seq++
	inner := append(bytes.Clone(b), kind)
	head := binary.BigEndian.AppendUint16([]byte{recordData, 3, 3}, uint16(len(inner)+aead.Overhead()))
	_, err = r.raw.Write(aead.Seal(head, nonce, inner, head))
	return err
}

func (r *rekeying) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(b), r.writeLocked(recordData, b)
}

// newKeys goes on with new keys and asks the client for the same.
func (r *rekeying) newKeys() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	const keyUpdate, requested = 24, 1
	if err := r.writeLocked(recordHandshake, []byte{keyUpdate, 0, 0, 1, requested}); err != nil {
		return err
	}
	r.secret, r.seq = r.expand("traffic upd", sha256.Size), 0
	return nil
}

func (r *rekeying) Close() error { return r.raw.Close() }
