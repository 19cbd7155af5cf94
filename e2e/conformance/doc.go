// Package conformance runs every command of package imapclient on every real server that offers it, looks whether it did what it says by
// asking again (mostly as somebody else: package rawimap), and keeps the outcome as a matrix in docs/servers.md.
//
//	go test ./e2e/conformance                              # does the matrix still hold?
//	go test ./e2e/conformance -run TestCommands/Cyrus -v   # one server
//	go test ./e2e/conformance -row 'SEARCH.*'              # some rows; the matrix is left alone
//	go test ./e2e/conformance -update                      # write the matrix
package conformance
