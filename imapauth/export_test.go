package imapauth

import (
	"crypto/tls"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"
)

// FixNonce makes a SCRAM client use a nonce that is known.
func FixNonce(c sasl.Client, nonce string) { c.(*scramClient).nonce = func() string { return nonce } }

// BindingOf returns a binding with any type and data.
func BindingOf(kind string, data []byte) Binding {
	return Binding{channel: scram.ChannelBinding{Type: scram.ChannelBindingType(kind), Data: data}}
}

// Data returns what the login is bound to.
func (b Binding) Data() []byte { return b.channel.Data }

// BindingsOf returns how a login can be bound to a connection.
func BindingsOf(state *tls.ConnectionState) (all []Binding) {
	for _, b := range bindings(state) {
		all = append(all, Binding{channel: b})
	}
	return all
}

// CheckServerFirst is what a server's first message goes through.
func CheckServerFirst(message, nonce string) error { return checkServerFirst(message, nonce) }
