// Package auth tests every way to log in against a real Dovecot: mechanisms, stored keys, tokens, certificates.
package auth
