// Package watch has tests of the library's watch package against real servers; see package e2e for
// those of the program.
package watch
