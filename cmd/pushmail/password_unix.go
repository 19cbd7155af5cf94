//go:build unix

package main

import "io/fs"

// openToOthers reports whether other users may read a file.
func openToOthers(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
