package imapauth

import (
	"errors"
	"fmt"

	"github.com/emersion/go-sasl"
)

// What a mechanism may have besides the two methods of [sasl.Client]. Those of this package have
// what they need of it; imapclient.Conn.Authenticate asks.
type (
	// Finisher is a mechanism that knows when its exchange is complete, and whether the server has
	// proved itself. An OK of the server counts only if Finished returns nil.
	Finisher interface{ Finished() error }
	// Judged is a mechanism that knows whether the server has been given anything yet by which it
	// could tell that the password or the token is wrong. One that refuses before means something else.
	Judged interface{ Judged() bool }
	// Failer is a mechanism that knows why the server refused: see [Explain].
	Failer interface{ Failure() error }
)

// ExchangeError says that a login was given up by this side, since the server broke the rules of the
// mechanism or could not prove that it knows the password. Such a server may be somebody else.
type ExchangeError struct {
	// Mechanism is the name of the SASL mechanism.
	Mechanism string
	// Err is what was wrong.
	Err error
}

func (e *ExchangeError) Error() string { return e.Mechanism + ": " + e.Err.Error() }
func (e *ExchangeError) Unwrap() error { return e.Err }

func broken(m Mechanism, format string, args ...any) error {
	return &ExchangeError{Mechanism: string(m), Err: fmt.Errorf(format, args...)}
}

var errUnfinished = errors.New("the server says that we are logged in before the exchange is complete")

func unfinished(m Mechanism) error { return &ExchangeError{Mechanism: string(m), Err: errUnfinished} }

// Explain adds to err, the error of a login with the mechanism, what the server said in the exchange
// about the reason: an *[OAuthError] or a *[SCRAMError]. It returns err itself if there is nothing to
// add, and nil for nil.
func Explain(mechanism sasl.Client, err error) error {
	if err == nil {
		return nil
	}
	if m, ok := mechanism.(Failer); ok {
		if failure := m.Failure(); failure != nil {
			return fmt.Errorf("%w: %w", failure, err)
		}
	}
	return err
}
