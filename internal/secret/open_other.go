//go:build !unix

package secret

import "io/fs"

// openToOthers: other systems keep that elsewhere.
func openToOthers(fs.FileInfo) bool { return false }
