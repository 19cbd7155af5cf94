// Package journal is the durable log of the program: what has happened, how far each mailbox is accounted for, and how
// far each sink has got. It holds the interface and its values; implementations are packages below it, and journaltest
// is what all of them pass.
//
// One promise makes the rest simple: events and the checkpoint that covers them are written in one transaction, so
// after a crash at any moment the journal is a prefix of what was written, and nothing that was confirmed is missing.
package journal
