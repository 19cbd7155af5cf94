// Package sqlite is the journal of one node: a SQLite database in a file.
//
// One goroutine writes. What is to be written meanwhile waits, and is committed together: one fsync for all. Readers
// have connections of their own and, with a write-ahead log, neither wait for the writer nor hold it up. A lock beside
// the database keeps a second process from writing; any number may read.
package sqlite
