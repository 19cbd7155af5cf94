package status

import (
	"strings"
	"time"
)

// Trouble says in plain words what is wrong and what to do about it.
type Trouble struct {
	// Class is that of imapclient.Class in words, or one of this package: deaf, stale, failed, ending, journal, sink_….
	Class   string `json:"class" doc:"What kind of trouble it is, for programs"`
	Summary string `json:"summary" doc:"What is wrong, in a sentence"`
	Advice  string `json:"advice" doc:"What to do about it"`
	// Reason is what the server or the system said. It comes from outside: escape it.
	Reason  string    `json:"reason,omitempty" doc:"What the server or the system said"`
	Mailbox string    `json:"mailbox,omitempty" doc:"The mailbox that has the trouble, if it is one of several"`
	Since   time.Time `json:"since,omitzero" doc:"When it began"`
	RetryAt time.Time `json:"retry_at,omitzero" doc:"When the next attempt is due"`
}

// wantsHand reports whether trouble of a class stays until somebody changes something.
func wantsHand(class string) bool { return class == "auth" || class == "config" || class == "refused" }

// words are what is said of a class of trouble.
type words struct{ summary, advice string }

var classWords = map[string]words{
	"auth": {
		"The server refuses the password or token.",
		"Check user name and password of this account, then put the right one into its configuration. Many services want an app password or OAuth2 instead of the password for the web page.",
	},
	"config": {
		"The server cannot be used with these settings.",
		"Check host, port, encryption and certificate in the settings of this account.",
	},
	"too_many_connections": {
		"The server says that this account has too many connections.",
		"Nothing is lost. Close other mail programs of this user, or watch fewer mailboxes; pushmail goes on with fewer connections by itself.",
	},
	"throttled": {
		"The server asks to be left alone for a while.",
		"Nothing has to be done: pushmail waits as long as the server wants. If it happens often, watch fewer mailboxes of this account.",
	},
	"refused": {
		"The server refuses to open this mailbox.",
		"Check that the mailbox exists and that this user may read it, or take it out of the mailboxes of the account.",
	},
	"protocol": {
		"The server answered something that is not IMAP.",
		"pushmail tries again. If it stays, record the conversation (pushmail watch --protocol-log FILE) and report it.",
	},
	"transient": {
		"The connection to the server was lost.",
		"pushmail tries again by itself. If it stays, check the network and whether the server is up.",
	},
	"cancelled": {
		"The connection was ended.",
		"pushmail tries again by itself.",
	},
	"deaf": {
		"The server did not tell of a change, so it is now asked each minute.",
		"Nothing is lost, but news can come a minute late. It ends by itself when the server tells of changes again.",
	},
	"stale": {
		"For too long nobody could prove that nothing is missing.",
		"New mail may have gone unnoticed since then; it will be reported when the server answers again. Check whether the server is reachable and not overloaded.",
	},
	"failed": {
		"The account was given up.",
		"Its state in the database cannot be used. Restart pushmail; if it stays, remove the account and add it again.",
	},
	"ending": {
		"The settings of this account were changed, and its connections with those before have not ended yet.",
		"Nothing has to be done: it is watched with the new settings as soon as they have, and goes on where it was. If it stays, look whether the disk can be written; a restart ends them, too.",
	},
	"sink_disabled": {
		"The receiver said that it is gone and wants no more events (410), so deliveries have stopped.",
		"Correct the receiver or its address, then resume this sink. The events that it has not had are kept.",
	},
	"sink_paused": {
		"Somebody has paused this sink.",
		"Resume it when the receiver is ready. Events are kept until then.",
	},
	"sink_stopped": {
		"This sink is not running.",
		"It was removed from the configuration, or the program is ending. Events are kept.",
	},
	"sink_hung": {
		"The receiver does not answer: a delivery goes on though its time is over.",
		"Check the receiver. Events are kept, and go out when it answers again.",
	},
	"sink_retrying": {
		"Deliveries fail and are tried again.",
		"Nothing is lost. Check the receiver; failed events are tried again for about three days.",
	},
	"sink_mailbox_retrying": {
		"Events of some mailboxes could not be delivered and are tried again.",
		"Nothing is lost, and other mailboxes are not held up. Check what the receiver says about these events; one that it will never take can be skipped, so that the next goes on.",
	},
	"sink_failing": {
		"Deliveries have failed for a while.",
		"Check that the receiver is up and accepts events. They are kept and tried again for about three days, then they become dead letters, which can be replayed.",
	},
	"sink_dead_letters": {
		"Some events could not be delivered and were given up.",
		"Look at the dead letters; when the receiver is fine, replay or drop them.",
	},
	"journal": {
		"Events cannot be written to the journal.",
		"Check that there is room on the disk and that it can be written. Nothing is lost: mailboxes wait, and go on when it works again.",
	},
}

// reasonWords refine what is said of a connection that cannot be made, by what the system says. They are only for
// people: nothing is decided by them.
var reasonWords = []struct {
	text string
	words
}{
	{"no such host", words{"The name of the server is not known to DNS.", "Check the host in the URL of this account for typing errors, and that DNS works on this machine."}},
	{"connection refused", words{"Nothing answers at the address of the server.", "Check host and port, and that the server is running. IMAP with TLS is usually port 993."}},
	{"network is unreachable", words{"There is no network path to the server.", "Check the network and firewall of this machine."}},
	{"no route to host", words{"There is no network path to the server.", "Check the network and firewall of this machine."}},
	{"certificate", words{"The certificate of the server cannot be trusted.", "Check that the host in the URL is the one the certificate is for, and that the certificate is not expired. A private server can be pinned (pin)."}},
	{"x509", words{"The certificate of the server cannot be trusted.", "Check that the host in the URL is the one the certificate is for, and that the certificate is not expired. A private server can be pinned (pin)."}},
	{"first record does not look like a tls handshake", words{"The server does not speak TLS on this port.", "Use port 993 with imaps://, or imap+starttls:// on port 143."}},
	{"timeout", words{"The server does not answer in time.", "Check the host and port, and that no firewall drops the connection. pushmail tries again by itself."}},
	{"deadline exceeded", words{"The server does not answer in time.", "Check the host and port, and that no firewall drops the connection. pushmail tries again by itself."}},
	{"no space left", classWords["journal"]},
	{"disk is full", classWords["journal"]},
}

// explain finds words for trouble.
func explain(class, reason, mailbox string) *Trouble {
	w, ok := classWords[class]
	if !ok {
		w = classWords["transient"]
	}
	if class == "transient" || class == "config" || class == "cancelled" {
		lower := strings.ToLower(reason)
		for _, r := range reasonWords {
			if strings.Contains(lower, r.text) {
				w = r.words
				break
			}
		}
	}
	return &Trouble{Class: class, Summary: w.summary, Advice: w.advice, Reason: reason, Mailbox: mailbox}
}

// Explain returns the words for trouble of a class (see imapclient.Class), for which the server or the system gave a reason.
func Explain(class, reason string) *Trouble { return explain(class, reason, "") }
