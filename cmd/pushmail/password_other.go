//go:build !unix

package main

import "io/fs"

// openToOthers: the mode bits say nothing about who may read a file here.
func openToOthers(fs.FileInfo) bool { return false }
