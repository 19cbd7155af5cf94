//go:build unix

package secret

import "io/fs"

// openToOthers reports whether others than the owner may read a file.
func openToOthers(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0
}
