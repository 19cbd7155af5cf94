// Package account watches a set of accounts and writes what happens into the journal: each event, and with it the
// checkpoint that covers it.
package account
