// Command pushmail brings push mail to every IMAP server: it watches a mailbox from the shell and
// says, as it happens, what arrives, changes and goes.
//
// Each subcommand has a file of its own; "pushmail help" lists them. The work is done by the packages
// watch and imapclient.
package main

import "os"

func main() {
	os.Exit(run(interruptible(), os.Args[1:], processStdio()))
}
