//go:build !unix

package main

import "io"

// onHangup does nothing: that the reader has gone is noticed with the next event.
func onHangup(io.Writer, func()) (stop func()) { return func() {} }
