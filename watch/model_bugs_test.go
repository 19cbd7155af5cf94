package watch_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var bugsFlag = flag.Bool("bugs", false, "plant bugs and see whether the model test finds each within a minute, by the model or by the test that foundBy names: needs the go command")

// A plantedBug is a mistake that watchers make, as a change of the code: the first text becomes the second.
type plantedBug struct {
	name  string
	edits []edit
}

// foundBy names the test that finds a bug where the model seldom comes to the point within a minute.
var foundBy = map[string]string{
	"a visit accounts for what came while it lasted":                      "TestStatusThatComesDuringAVisitIsNotAccountedFor",
	"the old name of a renamed mailbox stays":                             "TestRenamedMailboxIsNotDeletedLater",
	"a list of names that was not saved is not saved later":               "TestNamesAreSavedLater",
	"messages that are refused when a mailbox was renumbered are old":     "TestRenumberedMailboxWhoseMessagesAreRefusedAtFirst",
	"the answer to a poll that comes late is part of opening the mailbox": "TestLateAnswerIsNotPartOfOpeningAnew",
	"a refused SEARCH of a truth check means that nothing was missed":     "TestTruthCheckWithARefusedSearch",
}

type edit struct{ file, from, to string }

// plantedBugs has one for each trap at least, and some besides. Where a text is not found any more, the bug has to follow
// the code. Who logs in is the application (trap 19): that one is planted into the model's.
var plantedBugs = []plantedBug{
	{"trap 1: mail of an outage waits for the next push", []edit{{
		"follower.go", "	f.s.visit = false\n	return f.s.proceed(ctx)\n", "	f.s.visit = false\n	return nil\n",
	}}},
	{"trap 1: what happened during an outage is not looked for", []edit{{
		"session.go", "	known := b.known()\n", "	known := b.known()\n	if b.ledger != nil {\n		known = nil\n	}\n",
	}}},
	{"trap 2: as many messages as before are no news", []edit{{
		"session.go", "	ledger, err := s.newLedger(", "	if b.ledger != nil && view.Exists() <= b.ledger.View().Exists() {\n		changes = nil\n	}\n	ledger, err := s.newLedger(",
	}}},
	{"trap 3: numbers of messages are those from before the outage", []edit{{
		"session.go", "	// From here on the ledger holds", "	if b.ledger != nil && !report.Reset {\n		ledger, s.model = b.ledger, b.ledger\n	}\n	// From here on the ledger holds",
	}}},
	{"trap 4: the row of n:* is a new message", []edit{{
		"../mailbox/apply.go", "	return v.setFlags(dst, m.UID, m) // the row", "	if m.UID == v.state.last && v.Pending() > 0 {\n		set, _ := v.state.intern(m.Flags)\n		dst.record(v, delta{kind: New, uid: m.UID, n: 1, set: v.state.flags.sets[set]}, nil)\n	}\n	return v.setFlags(dst, m.UID, m) // the row",
	}}},
	{"trap 5: flags of another message that come during a FETCH are a new message", []edit{{
		"../mailbox/apply.go", "	dst.record(v, d, s.flags.sets[was])\n", "	if v.Pending() > 0 {\n		d.kind = New\n	}\n	dst.record(v, d, s.flags.sets[was])\n",
	}}},
	{"trap 6: what is announced during a FETCH was fetched by it", []edit{{
		"resync.go", "	if s.desync == nil && view.Pending() == before && s.news == news {\n		s.askedInVain(view, news)\n	}\n", "	s.inVain = s.news\n	_, _ = before, news\n",
	}}},
	{"trap 7: what is announced while the mailbox is opened is not noticed", []edit{
		{"resync.go", "	s.link.sink = sink(rs.Feed)\n", "	s.link.sink = sink(func(r imap.Response) {\n		if _, exists := r.(imap.Exists); !exists {\n			rs.Feed(r)\n		}\n	})\n"},
		{"fingerprint.go", "	s.link.sink = s\n	switch {", "	s.link.sink = nil\n	defer func() { s.link.sink = s }()\n	switch {"},
	}},
	{"trap 8: nobody asks whether the server is there", []edit{
		{"../imapclient/options.go", "cmp.Or(r.CommandTimeout, 2*time.Minute)", "cmp.Or(r.CommandTimeout, 24*time.Hour)"},
		{"../imapclient/options.go", "cmp.Or(r.IdleTimeout, 30*time.Second)", "cmp.Or(r.IdleTimeout, 24*time.Hour)"},
		{"truth.go", "verifyTimeout = 30 * time.Second", "verifyTimeout = 24 * time.Hour"},
	}},
	{"trap 9: no pause before the next attempt", []edit{{"revival.go", "	d := r.retry.pause(verdict)\n", "	d := 0 * r.retry.pause(verdict)\n"}}},
	{"trap 10: the first reconnect that fails ends everything", []edit{{"revival.go", "isFinal(err):\n", "isFinal(err), r.down:\n"}}},
	{"trap 11: NO and BAD are not expected", []edit{{"revival.go", "isFinal(err):\n", "isFinal(err), isRefusal(err):\n"}}},
	{"trap 12: a refused EXAMINE is not noticed", []edit{{"follower.go", "	if err := f.s.open(ctx); err != nil {", "	if err := f.s.open(ctx); err != nil && !isRefusal(err) {"}}},
	{"trap 13: UIDVALIDITY is not looked at", []edit{{"resync.go", "	rs := mailbox.Begin(known, *opened)\n", "	if known != nil {\n		opened.UIDValidity = known.UIDValidity()\n	}\n	rs := mailbox.Begin(known, *opened)\n"}}},
	{"trap 14: VANISHED is not known", []edit{{"session.go", "	if s.desync == nil {\n		s.desync = s.model.Apply(r)\n", "	if _, is := r.(*imap.Vanished); s.desync == nil && !is {\n		s.desync = s.model.Apply(r)\n"}}},
	{"trap 15: the checkpoint is not loaded", []edit{{"checkpoint.go", "	if stored == nil {\n", "	if stored != nil {\n"}}},
	{"trap 16: a connection for each hot mailbox, whatever the budget", []edit{{"sweep.go", "len(hot) < budget-1", "len(hot) < budget+9"}}},
	{"trap 17: what is there at the start is fetched", []edit{{"fingerprint.go", "		l.Renew(fresh)\n", "		l.Renew(fresh)\n		if err := s.fetch(ctx, imap.SetOfRange[imap.UID](1, 1<<32-1), s.contentOptions()); err != nil {\n			return nil, err\n		}\n"}}},
	{"trap 18: LOGOUT waits for the server", []edit{
		{"link.go", "context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)", "context.WithTimeout(context.WithoutCancel(ctx), 5*time.Hour)"},
		{"../imapclient/session.go", "logoutTimeout = 10 * time.Second", "logoutTimeout = 10 * time.Hour"},
	}},
	{"trap 19: the credentials of the first login are used for ever", []edit{{
		"model_test.go", "	token := w.token\n", "	token := cmp.Or(w.first, w.token)\n	w.first = token\n",
	}, {"model_test.go", "	token string // the password of now; guarded by mu\n", "	token, first string\n"}, {"model_test.go", "	\"bufio\"\n", "	\"bufio\"\n	\"cmp\"\n"}}},
	{"trap 20: only what the server feels like saying", []edit{{"truth.go", "	if every == 0 {\n		return time.Time{}", "	if every != -1 {\n		return time.Time{}"}}},
	{"a refused SEARCH of a truth check means that nothing was missed", []edit{{"truth.go", "looked != s.b.disputed {", "false && looked != s.b.disputed {"}}},
	{"the answer to a poll that comes late is part of opening the mailbox", []edit{{"resync.go", "	if err := s.conn.Settle(ctx); err != nil {\n		return nil, err\n	}\n", ""}}},
	{"a mailbox that the server does not give up is not heard", []edit{{"control.go", "		c.stillSelected()\n", ""}}},
	{"what is told of the selected mailbox during a sweep waits for the next push", []edit{{"control.go", "		if err := c.lookHome(ctx); err != nil { // what", "		if err := error(nil); err != nil { // what"}}},
	{"UIDs are believed to be given once", []edit{{"resync.go", "		opened.Basis = mailbox.BasisFor(known.Basis(), caps)\n", ""}}},
	{"rows that tell nothing new mean nothing", []edit{{"../mailbox/doubt.go", "	if v.state.highest != 0 ||", "	if true || v.state.highest != 0 ||"}}},
	{"what is about to be told is not stored before", []edit{{"session.go", "		ch = s.foretell(ctx, ch)\n", ""}}},
	{"acknowledged before it was taken", []edit{{"box.go", "	if err := b.emit(ev); err != nil {\n		return err\n	}\n	b.o.Own.told(&ev)\n	b.ledger.Ack()\n", "	b.ledger.Ack()\n	if err := b.emit(ev); err != nil {\n		return err\n	}\n	b.o.Own.told(&ev)\n"}}},
	{"a renumbering is saved before it was told", []edit{{"session.go", "	if b.unsaidReset = report.Reset; report.Reset {\n		b.stored = known\n	}\n", ""}}},
	{"a visit accounts for what came while it lasted", []edit{{"control.go", "	m.visited(now, refused)", "	m.visited(m.now, refused)"}}},
	{"NOTIFY: what changes in a mailbox while it is visited is not asked for", []edit{{"sweep.go", "	if !c.notified {\n		return nil\n	}\n	for _, m := range visited {", "	for _, m := range visited[:0] {"}}},
	{"NOTIFY: an overflow is not noticed", []edit{
		{"notify.go", "	if !c.notified {\n		return\n	}\n", "	if c.notified || !c.notified {\n		return\n	}\n"},
		{"../imapclient/read.go", "			c.setNotify(notifyNone) // RFC", "			// RFC"},
	}},
	{"NOTIFY: a connection that says nothing any more is waited for", []edit{
		{"notify.go", "		c.doWithoutNotify()\n	}\n", "	}\n"},
		{"control.go", "	if !c.unnotified && (c.home", "	if (c.home"},
		{"sweep.go", "!c.notified && !c.unnotified", "!c.notified"},
	}},
	{"a renamed mailbox is forgotten before its checkpoint has the new name", []edit{{"names.go", "	c.unwatch(ctx, old)\n	if m := c.members[old]; m", "	m := c.members[old]\n	c.forget(ctx, old)\n	if m"}}},
	{"what is in a created mailbox whose STATUS is refused is old", []edit{{"names.go", "	if checkpoint == nil {\n", "	if checkpoint == nil && nameOf(r).UIDValidity != 0 {\n"}, {"names.go", "	if err := c.o.Store.Save(ctx, key, checkpoint); err != nil {\n", "	if checkpoint == nil {\n	} else if err := c.o.Store.Save(ctx, key, checkpoint); err != nil {\n"}}},
	{"a mailbox that was refused is forgotten when the connection breaks", []edit{{"control.go", "		if err == nil {\n			m.refused = \"\"\n		}\n", "		m.refused = \"\"\n"}}},
	{"the old name of a renamed mailbox stays", []edit{{"names.go", "		delete(c.names.Names, old)\n", ""}}},
	{"a created mailbox of which only the name is known is not noted", []edit{{"names.go", "			c.namesUnsaved = true\n", ""}}},
	{"a list of names that was not saved is not saved later", []edit{{"names.go", "	c.namesUnsaved = err != nil\n", "	c.namesUnsaved = false\n"}}},
	{"messages that are refused when a mailbox was renumbered are old", []edit{{"fingerprint.go", "s.b.unidentified < maxUnidentified", "s.b.unidentified < 0"}}},
}

// minute is how much time of a processor a bug may go without being found: how busy the machine is must not decide.
const minute = 60

// TestModelFindsPlantedBugs plants each bug into a copy of the code, and wants the model test to fail.
func TestModelFindsPlantedBugs(t *testing.T) {
	if !*bugsFlag {
		t.Skip("only with -bugs: it builds the tests anew for each bug")
	}
	for _, bug := range plantedBugs {
		t.Run(bug.name, func(t *testing.T) {
			binary := plant(t, bug)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
			defer cancel()
			test := cmp.Or(foundBy[bug.name], "TestModel") + "$"
			cmd := exec.CommandContext(ctx, "sh", "-c", fmt.Sprintf(`ulimit -t %d; exec "$@"`, minute), "sh", binary, "-test.run", test, "-test.timeout=0", "-steps=1000000000")
			out, err := cmd.CombinedOutput()
			took := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Round(100 * time.Millisecond)
			if exit, failed := errors.AsType[*exec.ExitError](err); !failed || !exit.Exited() || ctx.Err() != nil {
				t.Fatalf("not found in %v of a processor's time: %v", took, err)
			}
			text, repeat := string(out), ""
			if _, after, ok := strings.Cut(text, "model_test.go:"); ok {
				text, after, _ = strings.Cut(after, "\n")
				repeat, _, _ = strings.Cut(after, "\n")
			}
			t.Logf("found in %v: %.200s\n%.200s", took, text, strings.TrimSpace(repeat))
		})
	}
}

// TestPlantedBugsFollowTheCode: the text that a bug changes is where it is to be.
func TestPlantedBugsFollowTheCode(t *testing.T) {
	for _, bug := range plantedBugs {
		if _, err := bug.changed(); err != nil {
			t.Errorf("%s: %v", bug.name, err)
		}
	}
}

// changed returns the files with the bug, by their paths.
func (b *plantedBug) changed() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, e := range b.edits {
		path, err := filepath.Abs(filepath.FromSlash(e.file))
		if err != nil {
			return nil, err
		}
		code, ok := files[path]
		if !ok {
			if code, err = os.ReadFile(path); err != nil {
				return nil, err
			}
		}
		if n := bytes.Count(code, []byte(e.from)); n != 1 {
			return nil, fmt.Errorf("%s has %d times what is to be changed:\n%s", e.file, n, e.from)
		}
		files[path] = bytes.Replace(code, []byte(e.from), []byte(e.to), 1)
	}
	return files, nil
}

// plant builds the tests with the bug in the code, and returns the program.
func plant(t *testing.T, bug plantedBug) string {
	t.Helper()
	files, err := bug.changed()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replace := map[string]string{}
	for path, code := range files {
		replace[path] = filepath.Join(dir, fmt.Sprintf("%d_%s", len(replace), filepath.Base(path)))
		if err := os.WriteFile(replace[path], code, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "watch.test")
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", list, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}
