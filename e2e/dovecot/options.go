package dovecot

import (
	"slices"
	"strings"
	"time"
)

// Options say how a Server differs from the usual. The zero value is a maildir server with what Dovecot does without being told.
type Options struct {
	// MailLocation is Dovecot's mail_location. Empty means "maildir:~/Maildir"; "mdbox:~/mdbox" is faster for big mailboxes.
	MailLocation string

	// Full switches on all that Dovecot can do besides and that needs configuration: ACL, QUOTA, METADATA, COMPRESS, SPECIAL-USE, and
	// more mechanisms to log in, OAuth among them (Server.Token).
	Full bool

	// Extra are lines of dovecot.conf, put before the passdbs: other passdbs in it are asked first.
	Extra string

	// Without lists capabilities that the server does not announce. It would still obey the commands: a client that
	// uses one anyway is wrong and its test must notice by other means (the protocol log).
	Without []string

	// IdleNotify is how often an idling client is told "OK Still here" (imap_idle_notify_interval). Zero means 2 minutes, Dovecot's own.
	IdleNotify time.Duration
}

// WithoutQResync masks the first rung of resynchronising, WithoutCondStore the second too.
var (
	WithoutQResync   = []string{"QRESYNC"}
	WithoutCondStore = []string{"QRESYNC", "CONDSTORE"}
)

// preauth and capabilities are what Dovecot 2.3 announces before and after login without any option.
// imap_capability replaces both lists, and there is no way to take single ones off.
const capabilities = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES THREAD=REFS " +
	"THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 " +
	"CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE SNIPPET=FUZZY PREVIEW=FUZZY " +
	"PREVIEW STATUS=SIZE SAVEDATE LITERAL+ NOTIFY"

// Announced is the value of imap_capability; empty means Dovecot's own.
func (o Options) Announced() string {
	if len(o.Without) == 0 {
		return ""
	}
	all := strings.Fields(capabilities)
	return strings.Join(slices.DeleteFunc(all, func(c string) bool { return slices.Contains(o.Without, c) }), " ")
}

// Location is the value of mail_location.
func (o Options) Location() string {
	if o.MailLocation == "" {
		return "maildir:~/Maildir"
	}
	return o.MailLocation
}

// StillHere is the value of imap_idle_notify_interval.
func (o Options) StillHere() string {
	if o.IdleNotify == 0 {
		return "2 min"
	}
	return o.IdleNotify.String()
}
