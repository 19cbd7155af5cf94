//go:build !unix

package filesink

// syncDir does nothing: directories cannot be opened here.
func syncDir(string) error { return nil }
