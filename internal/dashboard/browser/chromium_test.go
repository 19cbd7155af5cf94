package browser_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var pictures = flag.String("pictures", "", "directory to put pictures of the page into")

// patience bounds everything: it is only used up when something is broken.
const patience = 30 * time.Second

// page is a tab of a browser.
type page struct {
	t        *testing.T
	ctx      context.Context
	mu       sync.Mutex
	problems []string // guarded by mu: what the browser complained of
}

// chromium returns where the browser is. Without one the test is skipped, and fails when CI=true.
func chromium(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short: needs a browser")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const hint = "no Chromium; to run this test on Debian: sudo apt-get install -y --no-install-recommends chromium"
	if os.Getenv("CI") == "true" {
		t.Fatal(hint)
	}
	t.Skip("SKIPPED, NOTHING TESTED: " + hint)
	return ""
}

// open starts a browser with an empty tab. What the page complains of fails the test at its end, so a policy that is violated does.
func open(t *testing.T) *page {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	browser, cancelBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	tab, cancelTab := chromedp.NewContext(browser)
	p := &page{t: t, ctx: tab}
	t.Cleanup(func() {
		_ = chromedp.Cancel(tab)
		cancelTab()
		cancelBrowser()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, problem := range p.problems {
			t.Errorf("the browser complains: %s", problem)
		}
	})
	if err := chromedp.Listen(tab, p.listen); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.Navigate("about:blank")) // the first call begins the browser, and must have no limit of time
	var cancel context.CancelFunc
	p.ctx, cancel = context.WithTimeout(tab, 3*patience)
	t.Cleanup(cancel)
	call(p, log.Enable, cdp.Empty{})
	return p
}

func (p *page) listen(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		text, _ := json.Marshal(ev.ExceptionDetails)
		p.complain(string(text))
	case *log.EventEntryAdded:
		// That something is refused with a 4xx is what some tests want.
		if ev.Entry.Level == "error" && !strings.Contains(ev.Entry.Text, "status of 4") {
			p.complain(ev.Entry.Text + " " + ev.Entry.URL)
		}
	}
}

func call[P, R any](p *page, command cdp.Command[P, R], params P) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, command, params); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) complain(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, text)
}

func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	err := chromedp.Do(p.ctx, actions...)
	for deadline := time.Now().Add(patience); isReplaced(err) && time.Now().Before(deadline); {
		err = chromedp.Do(p.ctx, actions...)
	}
	if err != nil {
		p.t.Fatalf("%v\nthe page: %s", err, p.text("body"))
	}
}

// isReplaced reports whether the page made an element anew, as it does every few seconds, after it had been found and before
// anything was done with it.
func isReplaced(err error) bool {
	return err != nil && strings.Contains(err.Error(), "-32000") && strings.Contains(strings.ToLower(err.Error()), "node")
}

// text is what can be read in the first element that the selector finds.
func (p *page) text(selector string) string {
	p.t.Helper()
	quoted, _ := json.Marshal(selector)
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%s)?.innerText ?? ''", quoted)))
	if err != nil {
		return fmt.Sprintf("(%v)", err)
	}
	return strings.ReplaceAll(text, "\u202f", " ") // between thousands
}

// see waits until all of the texts can be read in an element.
func (p *page) see(selector string, texts ...string) {
	p.t.Helper()
	var got string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		got = p.text(selector)
		missing := false
		for _, text := range texts {
			missing = missing || !strings.Contains(got, text)
		}
		if !missing && got != "" {
			return
		}
	}
	p.t.Fatalf("in %s %q is not to be seen, but %q", selector, texts, got)
}

// until waits for an expression to be true.
func (p *page) until(expression string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if p.eval(expression) == true {
			return
		}
	}
	p.t.Fatalf("this does not come true: %s\nthe page: %s", expression, p.text("body"))
}

func (p *page) eval(expression string) any {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[any](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

func (p *page) visit(url string) {
	p.t.Helper()
	p.do(chromedp.Navigate(url))
}

func (p *page) press(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys))
}

func (p *page) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// write puts text into a field, in place of what is there.
func (p *page) write(selector, text string) {
	p.t.Helper()
	p.eval(fmt.Sprintf(`document.querySelector(%q).value = ""`, selector))
	p.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// choose takes an option of a list.
func (p *page) choose(selector, value string) {
	p.t.Helper()
	p.do(chromedp.SetValue(chromedp.CSS(selector), value))
	p.eval(fmt.Sprintf(`document.querySelector(%q).dispatchEvent(new Event("change"))`, selector))
}

// picture keeps what is to be seen, for people to look at.
func (p *page) picture(name string) {
	p.t.Helper()
	if *pictures == "" {
		return
	}
	p.do(chromedp.Sleep(300 * time.Millisecond))
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*pictures, name+".png"), png, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) theme(name string) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}})
}

func (p *page) size(width, height int64) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 600})
}
