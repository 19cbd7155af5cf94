// Package client tests the library, below the program, against a real Dovecot: imapclient over TLS,
// over STARTTLS and over a pipe.
package client
