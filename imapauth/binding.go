package imapauth

import (
	"crypto/tls"

	"github.com/xdg-go/scram"
)

// bindings returns how a login can be bound to a TLS connection, what servers most likely know first.
// No protocol tells which they know (RFC 5802 section 6.1 gives a default, RFC 9266 section 3 another
// one from TLS 1.3 on).
func bindings(state *tls.ConnectionState) []scram.ChannelBinding {
	if state == nil || !state.HandshakeComplete {
		return nil
	}
	var all []scram.ChannelBinding
	exporter, err := scram.NewTLSExporterBinding(state)
	if err == nil && state.Version >= tls.VersionTLS13 {
		all = append(all, exporter)
	}
	// RFC 9266 section 4.2: before TLS 1.3 only with the extended master secret, or a man in the
	// middle can give two connections the same tls-unique (RFC 7627). Without it there is no exporter.
	if err == nil && state.Version == tls.VersionTLS12 && len(state.TLSUnique) > 0 {
		all = append(all, scram.NewTLSUniqueBinding(state.TLSUnique))
	}
	// A certificate whose signature has no hash of its own, such as Ed25519, has none (RFC 5929
	// section 4.1).
	if endPoint, err := scram.NewTLSServerEndpointBinding(state); err == nil {
		all = append(all, endPoint)
	}
	return all
}
