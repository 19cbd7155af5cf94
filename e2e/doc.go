// Package e2e tests the built program against a real Dovecot over TLS, as its users run it: see docs/testing.md.
//
// The packages below it are the gear: dovecot, cyrus, courier and goimap (servers; what they have in common is daemon), rawimap (an independent second session), netfault (a proxy that
// breaks connections), pushmail (runs the program and reads its events) and process (children that cannot outlive the test).
// Tests of the library on real servers are in client, watch and conformance.
package e2e
