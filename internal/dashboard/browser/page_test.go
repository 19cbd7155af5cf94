package browser_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/pushmail/pushmail/internal/httpapi"
	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/status"
)

// A stranger must find out from the page alone why an account is red, and what to do.
func TestWhyAnAccountIsRed(t *testing.T) {
	w, p := newWorld(t), open(t)
	w.busy()
	since := time.Now().Add(-2 * time.Hour).Format("15:04")
	p.visit(w.url)
	p.see("#attention", "Account sales", "The server refuses the password or token", since, "put the right one into its configuration", "[AUTHENTICATIONFAILED]", "Next attempt in 4 min",
		"Account warehouse", "not known to DNS", "typing errors", "Account billing, mailbox INBOX", "nobody could prove that nothing is missing",
		"Sink tickets", "503 Service Unavailable", "three days")
	p.see("#tiles", "Accounts up\n11\nof 16", "73 MiB")
	p.picture("overview-light")
	p.theme("dark")
	p.picture("overview-dark")
	p.see("#latency-now", "half within", "95 % within")
	p.see("#throughput-now", "14 events", "40 delivered")
	p.eval(`document.querySelector("#latency").scrollIntoView()`)
	p.picture("charts-dark")
	p.click(`#attention a[href="#/accounts/sales"]`)
	p.see("#account[open]", "sales", "down", "The server refuses the password or token", "INBOX", "since "+since, "sales@example.org", "the configuration file")
	p.picture("account-dark")
	p.click(`#account [data-key="verify"]`)
	p.see("#verify-result", "The server refuses the password", "NO [AUTHENTICATIONFAILED]")
	p.press(kb.Escape)
	p.until(`!document.querySelector("#account").open && location.hash === "#/accounts"`)
	p.see("#account-table tbody", "The server refuses the password or token since "+since+": LOGIN: NO [AUTHENTICATIONFAILED]")
	p.see("#account-table tbody tr:first-child", "down") // the worst first
	p.picture("accounts-dark")
	p.theme("light")
	p.picture("accounts-light")
	if got := p.eval(`document.title`); got != "● pushmail" {
		t.Errorf("title %v", got)
	}
}

// The same for a journal that cannot be written, and with nothing at all.
func TestOverviewWithoutAccountsAndWithAFullDisk(t *testing.T) {
	w, p := newWorld(t), open(t)
	p.visit(w.url)
	p.see("#attention", "No accounts yet")
	p.see("#latency", "No deliveries in the last hour")
	p.picture("empty-light")
	w.locked(func() { w.state = status.Journal{Err: "no space left on device", ErrAt: time.Now()} })
	p.see("#attention", "Events cannot be written to the journal", "room on the disk", "Nothing is lost")
	p.picture("disk-full")
	for _, section := range []string{"accounts", "events", "sinks"} {
		p.click(`nav a[data-section="` + section + `"]`)
		p.see("#"+section, map[string]string{"accounts": "No accounts yet", "events": "No events yet", "sinks": "No sinks"}[section])
		p.picture("empty-" + section)
	}
}

func TestManyAccountsAreFoundFilteredAndSorted(t *testing.T) {
	w, p := newWorld(t), open(t)
	w.locked(func() {
		for i := range 10000 {
			a := healthy(fmt.Sprintf("user%05d", i))
			if i%1000 == 77 {
				a = broken(a.Name, "auth", "NO", time.Hour)
			}
			w.accounts = append(w.accounts, a)
		}
	})
	p.visit(w.url + "/#/accounts")
	p.see("#account-count", "1–50 of 10 000")
	p.see("#account-table tbody tr:first-child", "user09077", "down")
	p.see(`#account-state`, "Red (10)", "Up (9 990)")
	p.picture("many-light")
	p.click("#account-next")
	p.see("#account-count", "51–100 of 10 000")
	p.click("#account-previous")
	p.see("#account-count", "1–50 of 10 000")
	p.choose("#account-state", "bad")
	p.see("#account-count", "1–10 of 10")
	p.write("#account-search", "user0507")
	p.see("#account-count", "1–1 of 1")
	p.see("#account-table tbody", "user05077")
	p.write("#account-search", "nobody")
	p.see("#account-table tbody", "No account matches")
	p.choose("#account-state", "")
	p.write("#account-search", "user")
	p.click(`th[data-sort="name"] button`)
	p.see("#account-table tbody tr:first-child", "user00000")
	p.click(`th[data-sort="name"] button`)
	p.see("#account-table tbody tr:first-child", "user09999")
	if got := p.eval(`document.querySelector('th[data-sort="name"]').getAttribute("aria-sort")`); got != "descending" {
		t.Errorf("aria-sort is %v", got)
	}
	if rows := p.eval(`document.querySelectorAll("#account-table tbody tr").length`); rows != float64(50) {
		t.Errorf("%v rows", rows)
	}
}

func TestEventsAppearAsTheyHappen(t *testing.T) {
	w, p := newWorld(t, httpapi.Token{Name: "ops", Secret: token, Scopes: []httpapi.Scope{httpapi.Read}}), open(t)
	w.arrive("jo", "from before")
	p.visit(w.url + "/#/events")
	p.write("#signin-token", token+kb.Enter)
	p.see("#event-table", "from before", "Ann Example", "New message")
	p.see("#connection", "live")
	w.arrive("jo", `<img src=x onerror="document.title='hacked'"> & <b>bold</b>`)
	p.see("#event-table tbody tr:first-child", `<img src=x onerror="document.title='hacked'"> & <b>bold</b>`)
	if got := p.eval(`document.querySelectorAll("#event-table img, #event-table b").length`); got != float64(0) {
		t.Error("a sender wrote HTML, and it became part of the page")
	}
	p.picture("events-light")
	p.click("#event-pause")
	w.arrive("ann", "while paused")
	p.see("#event-pause", "Go on (1)")
	if strings.Contains(p.text("#event-table"), "while paused") {
		t.Error("an event was shown while paused")
	}
	p.click("#event-pause")
	p.see("#event-table tbody tr:first-child", "while paused")
	p.write("#event-account", "jo")
	p.until(`!document.querySelector("#event-table").innerText.includes("while paused")`)
	w.arrive("ann", "of somebody else")
	w.arrive("jo", "of jo")
	p.see("#event-table tbody tr:first-child", "of jo")
	if got := p.eval(`document.querySelectorAll("#event-table tbody tr").length`); got != float64(3) {
		t.Errorf("%v events of jo, want 3", got)
	}
}

func TestSinksArePausedResumedAndReplayed(t *testing.T) {
	w, p := newWorld(t), open(t)
	w.busy()
	first, err := w.journal.Read(t.Context(), 0, 2, journal.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	w.locked(func() {
		for _, r := range first {
			w.letters = append(w.letters, journal.DeadLetter{
				Sink: "crm", BuriedAt: time.Now(), Record: r,
				Retry: journal.Retry{Position: r.Position, Attempts: 10, Error: "POST https://crm.example.org: 500 Internal Server Error"},
			})
		}
	})
	p.visit(w.url + "/#/sinks")
	p.see(`[data-sink="tickets"]`, "Deliveries have failed for a while", "212 events", "Next attempt in", "503 Service Unavailable")
	p.see(`[data-sink="archive"]`, "paused", "disk is exchanged", "Resume")
	p.picture("sinks-light")
	p.click(`[data-sink="crm"] [data-key="switch crm"]`)
	p.see(`[data-sink="crm"]`, "paused", "Resume")
	p.click(`[data-sink="crm"] [data-key="switch crm"]`)
	p.see(`[data-sink="crm"]`, "up", "Pause")

	p.click(`[data-key="replay tickets"]`)
	p.write("#replay-account", "jo")
	p.click(`#replay button[type="submit"]`)
	p.see("#notices", "14 events are sent once more")
	if !w.was("replay tickets of jo, the last 1h0m0s") {
		t.Errorf("told %q", w.told)
	}

	p.click(`[data-key="letters crm"]`)
	p.see("#letters[open]", "Order 4700", "after 10 attempts", "500 Internal Server Error")
	p.picture("letters-light")
	p.click(fmt.Sprintf(`#letters [data-key="replay %d"]`, first[0].Position))
	p.until(`!document.querySelector("#letters").innerText.includes("Order 4700")`)
	p.click(`#letters [data-key="drop all"]`)
	p.see("#confirm[open]", "Drop all dead letters?")
	p.press(kb.Escape)
	p.until(`!document.querySelector("#confirm").open`)
	if w.was("drop crm []") {
		t.Error("they were dropped without being asked to")
	}
	p.click(`#letters [data-key="drop all"]`)
	p.click("#confirm-yes")
	p.see("#letters[open]", "None are left")
	if !w.was("revive crm [1]") || !w.was("drop crm []") {
		t.Errorf("told %q", w.told)
	}
}

// fail has the sinks fail with the first events of the journal.
func (w *world) fail(n int) []journal.Record {
	w.t.Helper()
	first, err := w.journal.Read(w.t.Context(), 0, n, journal.Filter{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.locked(func() {
		for _, r := range first {
			w.failing = append(w.failing, journal.Pending{Record: r, Retry: journal.Retry{
				Position: r.Position, Attempts: 3, Error: "POST https://tickets.example.org/hook: 422 no such customer", NextAt: time.Now().Add(28 * time.Minute), Rest: true,
			}})
		}
	})
	return first
}

func TestEventsThatFailAreSkipped(t *testing.T) {
	w, p := newWorld(t), open(t)
	w.busy()
	first := w.fail(3)
	p.visit(w.url + "/#/sinks")
	p.see(`[data-sink="tickets"]`, "9 failing")
	p.click(`[data-key="failing tickets"]`)
	p.see("#letters[open]", "Order 4700", "3 attempts", "28 min", "422 no such customer", "Skip all")
	p.picture("failing-light")
	p.click(fmt.Sprintf(`#letters [data-key="skip %d"]`, first[0].Position))
	p.until(`!document.querySelector("#letters").innerText.includes("Order 4700")`)
	p.click(`#letters [data-key="retry all"]`)
	p.see("#notices", "tried again now")
	p.click(`#letters [data-key="skip all"]`)
	p.see("#confirm[open]", "Skip all of these events?")
	p.click("#confirm-yes")
	p.see("#letters[open]", "None are left")
	if !w.was("skip tickets, 1 of them by id") || !w.was("skip tickets, 0 of them by id") {
		t.Errorf("told %q", w.told)
	}
}

func TestAnAccountIsAddedWithTheForm(t *testing.T) {
	w, p := newWorld(t), open(t)
	p.visit(w.url + "/#/accounts")
	p.click("#account-add")
	p.write(`#form [name="name"]`, "jo")
	p.click(`#form button[type="submit"]`)
	p.see(`#form .error[data-for="url"]`, "host is missing")
	p.picture("form-errors")
	if got := p.eval(`document.activeElement.name + " " + document.activeElement.getAttribute("aria-invalid") + " " + document.activeElement.getAttribute("aria-describedby")`); got != "host true error-url" {
		t.Errorf("the focus is on %v", got)
	}
	p.write(`#form [name="host"]`, "mail.example.org")
	p.click(`#form button[type="submit"]`)
	p.see(`#form .error[data-for="user"]`, "user is missing")
	p.write(`#form [name="user"]`, "jo@example.org")
	p.click(`#form button[type="submit"]`)
	p.see(`#form .error[data-for="password"]`, "needed")
	p.write(`#form [name="password"]`, "wrong")
	p.write(`#form [name="mailboxes"]`, `INBOX, \Sent`)
	p.click("#form-try")
	p.see("#form-result", "The server refuses the password", "app password")
	p.picture("form-refused")
	p.write(`#form [name="password"]`, "right")
	p.click("#form-try")
	p.see("#form-result", "It works", "News by idle", "INBOX, Sent")
	p.click(`#form button[type="submit"]`)
	p.see("#account-table tbody", "jo", "idle")
	w.locked(func() {
		if got := w.specs["jo"]; got.URL != "imaps://jo%40example.org@mail.example.org" || got.Password != "right" || fmt.Sprint(got.Mailboxes) != `[INBOX \Sent]` {
			t.Errorf("added %+v", got)
		}
	})
	// Changing it needs no password, and does not show it.
	p.click(`[data-key="account jo"]`)
	p.click(`#account [data-key="change"]`)
	p.see("#form[open]", "Change jo")
	if got := p.eval(`[...document.querySelector("#form form").elements].map((e) => e.value).join("|")`); !strings.Contains(fmt.Sprint(got), `mail.example.org|imaps|jo@example.org||INBOX, \Sent`) {
		t.Errorf("the form has %v", got)
	}
	p.press(kb.Escape)
	p.until(`!document.querySelector("#form").open`)
	p.click(`[data-key="account jo"]`)
	p.click(`#account [data-key="remove"]`)
	p.click("#confirm-yes")
	p.see("#account-table tbody", "No accounts yet")
}

func TestSigningInWithAToken(t *testing.T) {
	w := newWorld(t, httpapi.Token{Name: "viewer", Secret: token, Scopes: []httpapi.Scope{httpapi.Read}},
		httpapi.Token{Name: "writer", Secret: "writes-only", Scopes: []httpapi.Scope{httpapi.Write}})
	w.busy()
	w.fail(3)
	p := open(t)
	p.visit(w.url)
	p.see("#signin[open]", "Sign in")
	p.press(kb.Escape)
	p.write("#signin-token", "wrong"+kb.Enter)
	p.see("#signin-error", "not known")
	p.picture("signin")
	p.write("#signin-token", "writes-only"+kb.Enter)
	p.see("#signin-error", "scope read")
	p.write("#signin-token", token+kb.Enter)
	p.see("#attention", "Account sales")
	if got := p.eval(`document.body.innerHTML.includes("` + token + `") || location.href.includes("` + token + `") || document.cookie !== "" || localStorage.length > 0`); got != false {
		t.Error("the token is kept where it should not be")
	}
	p.do(chromedp.Reload())
	p.see("#attention", "Account sales") // it is known to this tab
	// Who may only look is not offered more.
	p.click(`nav a[data-section="sinks"]`)
	p.see("#sinks", "tickets")
	if got := p.eval(`[...document.querySelectorAll('#sinks button')].map((b) => b.dataset.key).join()`); got != "failing tickets" {
		t.Errorf("who may only look is offered %q", got)
	}
	p.click(`[data-key="failing tickets"]`)
	p.see("#letters[open]", "Order 4700", "422")
	if got := p.eval(`document.querySelectorAll('#letters-list button').length`); got != float64(0) {
		t.Errorf("%v buttons for who may only look", got)
	}
	p.press(kb.Escape)
	p.until(`!document.querySelector("#letters").open`)
	p.click(`nav a[data-section="accounts"]`)
	p.see("#account-count", "of 16")
	if got := p.eval(`document.querySelector("#account-add").hidden`); got != true {
		t.Error("who may only look is offered to add an account")
	}
	p.click("#signout")
	p.see("#signin[open]", "Sign in")
}

func TestThePageWorksWithTheKeyboardAlone(t *testing.T) {
	w, p := newWorld(t), open(t)
	w.busy()
	p.visit(w.url + "/#/accounts")
	p.see("#account-table tbody", "sales")
	// From the top: skip link, sections, theme, search, state, add, sorting, the first account.
	var met []string
	for range 25 {
		p.press(kb.Tab)
		at := fmt.Sprint(p.eval(`document.activeElement.id || document.activeElement.dataset.key || document.activeElement.innerText`))
		if met = append(met, at); strings.HasPrefix(at, "account ") {
			break
		}
		outline := p.eval(`getComputedStyle(document.activeElement).outlineStyle`)
		if outline == "none" {
			t.Errorf("the focus on %s cannot be seen", at)
		}
	}
	for _, want := range []string{"Skip to content", "Overview", "Events", "theme", "account-search", "account-state", "account-add", "State", "Account"} {
		if !strings.Contains(strings.Join(met, "|"), want) {
			t.Errorf("Tab does not reach %s: %q", want, met)
		}
	}
	name := met[len(met)-1]
	p.press(kb.Enter)
	p.see("#account[open]", strings.TrimPrefix(name, "account "))
	p.press(kb.Escape)
	p.until(`!document.querySelector("#account").open`)
	// What is asked for anew every few seconds must not take the focus away.
	p.do(chromedp.Focus(chromedp.CSS(`[data-key="account sales"]`)))
	p.eval(`document.querySelector('[data-key="account sales"]').before(document.createElement("mark"))`)
	p.until(`!document.querySelector("#account-table mark")`) // the rows were made anew
	if got := p.eval(`document.activeElement.dataset.key`); got != "account sales" {
		t.Errorf("the focus went to %v", got)
	}
}

func TestEverythingHasAName(t *testing.T) {
	w, p := newWorld(t), open(t)
	w.busy()
	for _, section := range []string{"", "accounts", "events", "sinks", "accounts/sales"} {
		p.visit(w.url + "/#/" + section)
		p.see("main", map[string]string{"": "Overview", "accounts": "sales", "events": "Order", "sinks": "tickets", "accounts/sales": "sales"}[section])
		nameless := p.eval(`[...document.querySelectorAll("button, a[href], input, select, img, [role=img], section, dialog, table, th")].filter((e) => {
			if (e.closest("[hidden]")) return false;
			const label = e.getAttribute("aria-label") || document.getElementById(e.getAttribute("aria-labelledby"))?.textContent || e.labels?.[0]?.textContent || e.getAttribute("alt") ||
				(e.tagName === "IMG" && e.hasAttribute("alt") && " .") || e.caption?.textContent || e.textContent;
			return !label?.trim() && !["confirm-yes"].includes(e.id) && !e.matches("#account:not([open])");
		}).map((e) => e.outerHTML.slice(0, 120)).join("\n")`)
		if nameless != "" {
			t.Errorf("in %q these have no name:\n%v", section, nameless)
		}
	}
}

func TestThePageFitsANarrowScreen(t *testing.T) {
	w, p := newWorld(t), open(t)
	w.busy()
	p.size(375, 812)
	for _, section := range []string{"", "accounts", "events", "sinks", "accounts/sales"} {
		p.visit(w.url + "/#/" + section)
		p.see("main", map[string]string{"": "sales", "accounts": "sales", "events": "Order", "sinks": "tickets", "accounts/sales": "sales"}[section])
		if got := p.eval(`document.documentElement.scrollWidth`); got != float64(375) {
			t.Errorf("%q is %v wide", section, got)
		}
		p.picture("narrow-" + strings.ReplaceAll(section, "/", "-"))
	}
}
