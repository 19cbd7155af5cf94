package main

import (
	"fmt"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/mailbox"
)

func judgePush(o *findings, f *facts) {
	p := f.Push
	if p == nil || f.Failure != nil && f.Failure.Stage == "push" {
		return
	}
	switch {
	case p.Idles:
		o.ok("idle", fmt.Sprintf("IDLE works (begun in %s): the server tells at once what happens in the mailbox that is open", shown(p.Took)))
	case p.IdleMasked:
		o.note("idle", "IDLE is not used, for it is known not to work there: new mail is noticed by asking, every "+briefly(pollOf(f.provider)), "--poll-interval 20s asks more often")
	case p.Idle:
		o.problem("idle", "the server offers IDLE but does not do it when asked: new mail is noticed only by asking, every "+briefly(pollOf(f.provider)),
			"ask whoever runs it; until then --mask-capability IDLE spares the attempts, and --poll-interval asks more often")
	default:
		o.problem("idle", "there is no IDLE (RFC 2177): new mail is noticed only by asking, every "+briefly(pollOf(f.provider)),
			"--poll-interval 20s asks more often; if you run the server, switch IDLE on or update it")
	}
	if p.Notify {
		o.ok("notify", "NOTIFY: one connection is told of what happens in every mailbox")
	} else if f.Names != nil && f.Names.Count > 1 {
		o.note("notify", "there is no NOTIFY (RFC 5465): only mailboxes with a connection of their own are told of at once, the others are looked at every 2 minutes", "")
	}
}

// resyncMethod is how the watcher would find out what changed while it was away.
func resyncMethod(f *facts) mailbox.Method {
	b := f.Mailbox
	switch {
	case b.HighestModSeq == 0 || b.NoModSeq || !f.Server.has(imap.CapCondStore):
		return mailbox.ByUIDDiff
	case b.QResync:
		return mailbox.ByQResync
	}
	return mailbox.ByCondStore
}

func judgeResync(o *findings, f *facts) {
	b := f.Mailbox
	if b == nil {
		return
	}
	switch method := resyncMethod(f); method {
	case mailbox.ByQResync:
		o.ok("resync", "QRESYNC: all that changed, also what is gone, comes in one short answer")
	case mailbox.ByCondStore:
		text := "CONDSTORE: what changed comes in one answer, what is gone is found by comparing the UIDs"
		if f.Server.has(imap.CapQResync) {
			o.note("resync", text+". The server offers QRESYNC and does not enable it", "")
			break
		}
		o.ok("resync", text+" (there is no QRESYNC, RFC 7162)")
	default:
		text := fmt.Sprintf("all UIDs and flags are compared: %s each time a connection is made", count(b.Messages, "message"))
		if f.Server.has(imap.CapESearch) {
			text = fmt.Sprintf("all UIDs and flags are compared, by searches if there are many (ESEARCH): %s each time a connection is made", count(b.Messages, "message"))
		}
		switch {
		case f.Server.has(imap.CapCondStore):
			text += ", for this mailbox keeps no modification sequences (CONDSTORE)"
		default:
			text += ", for the server has neither QRESYNC nor CONDSTORE (RFC 7162)"
		}
		fix := ""
		if b.Messages > manyMessages {
			fix = "a smaller mailbox is quicker to compare: move old mail to an archive"
		}
		o.note("resync", text, fix)
	}
	if b.UIDValidity == 0 {
		o.problem("uidvalidity", "the server does not say UIDVALIDITY: it cannot be known whether messages were renumbered", "the server breaks RFC 9051 section 2.3.1.1: update it")
	}
	if b.UIDNotSticky {
		o.problem("uidnotsticky", "the server does not keep UIDs from one session to the next (UIDNOTSTICKY): after each connection everything may look new", "ask whoever runs it for a mailbox format that keeps UIDs")
	}
}

// manyMessages is from when on comparing all of them takes noticeable time.
const manyMessages = 20_000

// ordinaryRestart is how long an IDLE of the watcher lasts with a server of which nothing is known.
const ordinaryRestart = 9 * time.Minute

func judgeWatching(o *findings, f *facts) {
	if f.Mailbox == nil || f.Push == nil || f.Failure != nil {
		return
	}
	how := "asking every " + briefly(pollOf(f.provider))
	if f.Push.Idles && (f.provider == nil || !f.provider.AlwaysPoll) {
		how = "IDLE, begun anew every " + briefly(restartOf(f.provider))
	}
	o.ok("plan-mailbox", fmt.Sprintf("%s (%s): 1 connection, %s", f.Mailbox.Name, count(f.Mailbox.Messages, "message"), how))
	if f.Names == nil || f.Names.Count < 2 && !f.Names.chosen {
		return
	}
	what := fmt.Sprintf("all %d mailboxes", f.Names.Count)
	switch n := f.Names.Chosen; {
	case n == 0:
		o.problem("plan-account", "no mailbox is chosen by --mailbox and --exclude", "look at pushmail list for the names; * matches anything, % a part of a name")
		return
	case n < f.Names.Count:
		what = fmt.Sprintf("%d of %d mailboxes", n, f.Names.Count)
	}
	o.ok("plan-account", fmt.Sprintf("%s: %s", what, accountPlan(f)))
}

// planned is how many connections watch.Account would use at most.
func planned(f *facts) int {
	if n := f.Names.connections; n > 0 {
		return n
	}
	if f.provider != nil && f.provider.Budget() > 0 {
		return min(f.provider.Budget(), 4)
	}
	return 4
}

// accountPlan says what watch.Account would do.
func accountPlan(f *facts) string {
	if f.Push.Notify {
		return "1 connection, by NOTIFY"
	}
	n := f.Names.Chosen
	hot := ""
	switch {
	case f.Server.has(imap.CapGmail) && !f.Names.chosen:
		hot = "All Mail, which has every message but Spam and Trash"
	case f.Names.InboxChosen:
		hot = "INBOX"
	}
	how := fmt.Sprintf("%d commands", n)
	if f.Server.has(imap.CapListStatus) {
		how = "one command (LIST-STATUS)"
	}
	switch {
	case hot == "":
		return "1 connection, that looks at them every 2 minutes by " + how
	case n == 1:
		return "1 connection for " + hot
	case planned(f) == 1:
		return fmt.Sprintf("1 connection, which is all that may be used: it has %s open, and looks at the others every 2 minutes by %s", hot, how)
	}
	return fmt.Sprintf("2 connections: one for %s, and one that looks at the others every 2 minutes by %s", hot, how)
}

// briefly is a whole number of minutes or seconds: "9m".
func briefly(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.Round(time.Second).String()
}

func judgeMessage(o *findings, f *facts) {
	m := f.Message
	switch {
	case m == nil:
		return
	case m.Skipped != "":
		o.note("test-message", "no test message was sent: "+m.Skipped, "")
		return
	}
	judgePushTime(o, "push-new", "of a new message", m.Arrival)
	judgePushTime(o, "push-gone", "that the message was gone", m.Removal)
	switch {
	case m.Removed && m.Trashed:
		o.note("test-message", "the test message is in the trash", "")
	case m.Removed:
		o.ok("test-message", "the test message is removed again")
	case m.UID == 0 && m.Error == "":
		o.problem("test-message", "the test message is not to be found: something else has moved or removed it", "look for "+clean(m.MessageID)+": a filter of the server?")
	case m.UID != 0:
		o.problem("test-message", fmt.Sprintf("the test message could not be removed: %s", orUnknown(m.Error)), fmt.Sprintf("remove it yourself: UID %d, Subject: Test of pushmail doctor", m.UID))
	default:
		o.problem("test-message", "the test failed: "+m.Error, "look whether a message \"Test of pushmail doctor\" has stayed")
	}
	if m.Removed && m.Error != "" {
		o.problem("test-message", "the test failed: "+m.Error, "")
	}
}

func orUnknown(text string) string {
	if text == "" {
		return "the server did not say why"
	}
	return text
}

// slowPush is from when on a push is called late.
const slowPush = 5 * time.Second

func judgePushTime(o *findings, id, what string, p *pushTime) {
	switch {
	case p == nil:
	case p.Pushed && p.After.duration() > slowPush:
		o.note(id, fmt.Sprintf("the server told %s after %s, which is late", what, shown(p.After)), "some servers look for changes only now and then: if you run it, see its settings")
	case p.Pushed && p.After == 0:
		o.ok(id, fmt.Sprintf("the server told %s before it had answered who did it", what))
	case p.Pushed:
		o.ok(id, fmt.Sprintf("the server told %s after %s", what, shown(p.After)))
	case p.Asked && p.Deaf:
		o.problem(id, fmt.Sprintf("the server told nothing %s in %s of IDLE, and did so when asked: its IDLE is deaf", what, shown(p.After)),
			"--mask-capability IDLE has it asked from time to time instead (--poll-interval)")
	case p.Asked:
		o.ok(id, fmt.Sprintf("the server told %s when it was asked, %s later", what, shown(p.After)))
	default:
		o.problem(id, fmt.Sprintf("the server told nothing %s, not even when asked", what), "it may need a moment; run this again, and if it stays so, ask whoever runs the server")
	}
}

func judgeIdle(o *findings, f *facts) {
	i := f.Idle
	if i == nil {
		return
	}
	after := shown(i.After)
	switch i.Outcome {
	case idleMissing:
		o.note("idle-time", "the time of IDLE was not measured: there is none", "")
	case idleAlive:
		o.ok("idle-time", fmt.Sprintf("after %s in IDLE the server was still there", after))
	case idleEnded:
		o.add("idle-time", idleLevel(i.After), fmt.Sprintf("the server ended IDLE after %s and kept the connection", after), restartAdvice(i.After))
	case idleClosed:
		text := fmt.Sprintf("the connection was closed after %s in IDLE", after)
		if i.Said != "" {
			text += " (" + i.Said + ")"
		}
		o.add("idle-time", idleLevel(i.After), text, restartAdvice(i.After))
	case idleSilent:
		o.problem("idle-time", fmt.Sprintf("after %s in IDLE the connection was dead, and nobody had said so (%s): a router or firewall on the way forgets it", after, orUnknown(i.Said)),
			"find the longest time that works with a shorter --for, and give pushmail watch less than that as --idle-restart")
	}
	if i.StillHere > 0 {
		o.ok("still-here", fmt.Sprintf("the server gave %s by itself, at most %s apart", count(i.StillHere, "sign")+" of life", shown(i.Gap)))
	}
}

// idleLevel judges a server that gave up after this time.
func idleLevel(after milliseconds) level {
	if after.duration() <= ordinaryRestart {
		return levelProblem
	}
	return levelOK
}

// restartAdvice is what to do about it.
func restartAdvice(after milliseconds) string {
	d := after.duration()
	if d > ordinaryRestart {
		return ""
	}
	return fmt.Sprintf("pushmail watch --idle-restart %v", max(d*3/4, time.Second).Round(time.Second))
}
