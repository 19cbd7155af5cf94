package imapauth

import (
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"

	"github.com/pushmail/pushmail/imap"
)

// SCRAM returns a mechanism of the SCRAM family (RFC 5802, RFC 7677). The password is not shown to the
// server, and the server proves that it knows it: Finished returns an error until then. m is one of
// the SCRAM constants; of those with -PLUS binding says how the login is bound to the connection,
// and of the others it must be [NoBinding] or [BindingNotOffered].
//
// User name and password go through SASLprep (RFC 4013), unless it forbids them. The cost of the
// computation is the server's choice within [MinIterations] and [MaxIterations]; it cannot be cancelled.
func SCRAM(m Mechanism, identity, username string, password Secret, binding Binding) sasl.Client {
	return &scramClient{mechanism: m, identity: identity, username: username, password: password, binding: binding}
}

// Binding says how a SCRAM login is bound to its TLS connection: the flag of RFC 5802 section 6.
type Binding struct {
	channel    scram.ChannelBinding
	notOffered bool
}

var (
	// NoBinding: this side cannot or will not bind (flag "n").
	NoBinding = Binding{}
	// BindingNotOffered: this side could, but the server has not offered any -PLUS mechanism (flag "y").
	// If it has, and someone on the way removed it from the list, the server notices.
	BindingNotOffered = Binding{notOffered: true}
)

// Type returns the type of channel binding, "" if there is none: "tls-exporter" (RFC 9266),
// "tls-unique" or "tls-server-end-point" (RFC 5929).
func (b Binding) Type() string { return string(b.channel.Type) }

type scramStep uint8

const (
	scramStarted scramStep = iota
	scramProved
	scramVerified
	scramFailed
)

type scramClient struct {
	mechanism          Mechanism
	identity, username string
	password           Secret
	binding            Binding

	talk    *scram.ClientConversation
	sent    string // our nonce
	step    scramStep
	proved  bool // our proof is out
	failure *SCRAMError

	nonce func() string // for tests; nil makes a random one
}

func (s *scramClient) Start() (string, []byte, error) {
	hash := s.mechanism.hash()
	switch {
	case hash == nil:
		return "", nil, fmt.Errorf("imapauth: %q is not of the SCRAM family", string(s.mechanism))
	case s.username == "":
		return "", nil, errors.New("imapauth: the user name is empty")
	case hasNUL(s.identity, s.username, s.password.Reveal()):
		return "", nil, errNUL
	case s.mechanism.isPlus() != s.binding.channel.IsSupported():
		return "", nil, fmt.Errorf("imapauth: %s with the channel binding %q", s.mechanism, s.binding.Type())
	}
	client, err := hash.NewClientUnprepped(prepare(s.username), prepare(s.password.Reveal()), s.identity)
	if err != nil {
		return "", nil, err
	}
	s.step, s.proved, s.failure = scramStarted, false, nil
	s.talk = s.converse(client.WithMinIterations(MinIterations))
	first, err := s.talk.Step("")
	_, s.sent, _ = strings.Cut(first, ",r=") // a comma in a name is "=2C"
	return string(s.mechanism), []byte(first), err
}

func (s *scramClient) converse(client *scram.Client) *scram.ClientConversation {
	if s.nonce != nil {
		client.WithNonceGenerator(s.nonce)
	}
	switch {
	case s.binding.channel.IsSupported():
		return client.NewConversationWithChannelBinding(s.binding.channel)
	case s.binding.notOffered:
		return client.NewConversationAdvertisingChannelBinding()
	}
	return client.NewConversation()
}

func (s *scramClient) Next(challenge []byte) ([]byte, error) {
	if s.talk == nil || s.step >= scramVerified {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	message := string(challenge)
	if value, ok := serverError(message); ok {
		// The server says why, and then NO to the empty answer.
		s.step, s.failure = scramFailed, &SCRAMError{Mechanism: s.mechanism, Binding: s.binding.Type(), Value: value}
		return []byte{}, nil
	}
	var reply []byte
	var err error
	if s.step == scramStarted {
		reply, err = s.prove(message)
	} else {
		reply, err = s.verify(message)
	}
	if err != nil {
		s.step = scramFailed
	}
	return reply, err
}

// prove answers the server's first message with the proof that we know the password.
func (s *scramClient) prove(message string) ([]byte, error) {
	if err := checkServerFirst(message, s.sent); err != nil {
		return nil, err
	}
	proof, err := s.talk.Step(message)
	if err != nil {
		return nil, errors.New("the server's first message is wrong")
	}
	s.step, s.proved = scramProved, true
	return []byte(proof), nil
}

// verify checks that the server knows the password, too.
func (s *scramClient) verify(message string) ([]byte, error) {
	if err := checkServerFinal(message, s.mechanism.hash()().Size()); err != nil {
		return nil, err
	}
	if _, err := s.talk.Step(message); err != nil || !s.talk.Valid() {
		return nil, errors.New("the server's signature is wrong: it does not know the password, so it is not the server it claims to be")
	}
	s.step = scramVerified
	return []byte{}, nil
}

func (s *scramClient) Judged() bool { return s.proved }

func (s *scramClient) Finished() error {
	if s.step != scramVerified {
		return broken(s.mechanism, "the server says that we are logged in, but has not proved that it knows the password")
	}
	return nil
}

func (s *scramClient) Failure() error {
	if s.failure == nil {
		return nil
	}
	return s.failure
}

// SCRAMError is what a server says about a login that it refuses (RFC 5802 section 5.1, "e=").
type SCRAMError struct {
	Mechanism Mechanism
	// Binding is the type of channel binding that was used, or "".
	Binding string
	// Value is an error of RFC 5802 section 7, such as "invalid-proof", which means that user or
	// password are wrong.
	Value string
}

// Errors of RFC 5802 section 7 that are not about the password.
const (
	bindingsDiffer   = "channel-bindings-dont-match"
	bindingUnknown   = "unsupported-channel-binding-type"
	bindingNotThere  = "channel-binding-not-supported"
	downgraded       = "server-does-support-channel-binding"
	extensionMissing = "extensions-not-supported"
	noResources      = "no-resources"
)

// Intercepted reports whether the server sees signs of somebody in the middle of the connection.
func (e *SCRAMError) Intercepted() bool { return e.Value == bindingsDiffer || e.Value == downgraded }

// Unsupported reports whether the server refuses this form of the mechanism, but not the password.
func (e *SCRAMError) Unsupported() bool {
	return e.Value == bindingUnknown || e.Value == bindingNotThere || e.Value == extensionMissing
}

// Temporary reports whether the server is only busy.
func (e *SCRAMError) Temporary() bool { return e.Value == noResources }

// Error says what the server said, in other words where they help.
func (e *SCRAMError) Error() string {
	why := "the server says " + imap.Printable(e.Value)
	switch e.Value {
	case bindingsDiffer:
		why = "the server sees another TLS connection than we do: somebody is in the middle, or a proxy that ends TLS and makes -PLUS mechanisms impossible"
	case downgraded:
		why = "the server offers channel binding, but its offer as we saw it did not: somebody has changed it on the way"
	}
	return string(e.Mechanism) + ": " + why
}
