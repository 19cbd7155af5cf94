// Package status holds what the program knows of itself: the state of each account, mailbox and sink, why one is
// not well and what to do about that, and counts of what happened. It holds values only; those who do the work fill them in
// ([Board.Report], [Tally]), and the API, the dashboard, the metrics and the command line read them.
package status
