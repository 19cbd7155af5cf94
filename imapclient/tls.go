package imapclient

import (
	"context"
	"crypto/tls"
	"time"
)

// startTLS puts TLS on top of the transport.
func (c *Conn) startTLS(ctx context.Context) error {
	cfg := c.opening.tlsConfig()
	if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		return &OptionError{"Addr", "it is empty, and so is TLSConfig.ServerName: nobody knows which name must be in the server's certificate"}
	}
	return c.handshake(ctx, tls.Client(c.nc, cfg))
}

// handshake makes t, which is on top of the transport, the connection. It may have done its handshake already.
func (c *Conn) handshake(ctx context.Context, t *tls.Conn) error {
	late := &TimeoutError{Op: "TLS handshake", After: c.opening.TLSTimeout}
	hctx, cancel := context.WithTimeoutCause(ctx, c.opening.TLSTimeout, late)
	defer cancel()
	_ = c.intr.nc.SetDeadline(time.Time{})
	c.spare.lend(t)
	err := t.HandshakeContext(hctx)
	state := t.ConnectionState()
	if err == nil {
		err = checkPins(c.opening.Pins, &state) // a *tls.Conn of somebody else has not done it
	}
	if err != nil {
		if cause := context.Cause(hctx); cause != nil {
			err = cause
		}
		return c.explainTLS(err)
	}
	c.nc = t
	c.framer.Reset(source{c})
	c.mu.Lock()
	c.tls = t
	c.mu.Unlock()
	c.opts.Trace.note(describeTLS(&state))
	return nil
}

func describeTLS(s *tls.ConnectionState) string {
	text := tls.VersionName(s.Version) + ", " + tls.CipherSuiteName(s.CipherSuite)
	if s.DidResume {
		text += ", resumed"
	}
	return text
}

// tlsConfig returns a copy of TLSConfig with what it leaves open.
func (o *Options) tlsConfig() *tls.Config {
	cfg := &tls.Config{}
	if o.TLSConfig != nil {
		cfg = o.TLSConfig.Clone()
	}
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12 // RFC 8314 section 4.1, RFC 8996
	}
	if cfg.ServerName == "" {
		cfg.ServerName, _ = o.hostPort()
	}
	if o.sharesSessions(cfg) {
		_, addr := o.hostPort()
		cfg.ClientSessionCache = sharedSessions{addr}
	}
	if len(o.Pins) > 0 {
		verify := cfg.VerifyConnection
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			if err := checkPins(o.Pins, &s); err != nil || verify == nil {
				return err
			}
			return verify(s)
		}
	}
	return configOf(cfg)
}

// sharesSessions reports whether connections with cfg may resume each other's TLS sessions without anybody
// having asked for it. A resumed session keeps the identity of the client that began it, so certificates
// of clients forbid it; crypto/tls itself looks again at roots, names and dates, and calls
// VerifyConnection, but not VerifyPeerCertificate. Who takes a way of his own to the server may not
// want to be recognised there.
func (o *Options) sharesSessions(cfg *tls.Config) bool {
	return o.direct && cfg.ClientSessionCache == nil && len(cfg.Certificates) == 0 && cfg.GetClientCertificate == nil &&
		cfg.VerifyPeerCertificate == nil && cfg.EncryptedClientHelloConfigList == nil
}

// sessions are those of this process. Each costs some KiB, the certificates of the server above all.
var sessions = tls.NewLRUClientSessionCache(128)

// sharedSessions are those of one server: crypto/tls tells servers apart by name alone, and two ports
// can be two servers.
type sharedSessions struct{ addr string }

func (s sharedSessions) key(name string) string { return s.addr + " " + name }

func (s sharedSessions) Get(name string) (*tls.ClientSessionState, bool) {
	return sessions.Get(s.key(name))
}

func (s sharedSessions) Put(name string, state *tls.ClientSessionState) {
	sessions.Put(s.key(name), state)
}
