package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// daemon is "pushmail serve", which can be killed and started again.
type daemon struct {
	program, dir string
	hook         *hook
	offer        crowdOffer
	accounts     int

	cmd    *exec.Cmd
	began  time.Time
	api    string
	stderr strings.Builder // the last start's, until it was ready
}

const webhookSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

// newDaemon writes a configuration: n accounts, spread over the hosts of a server, and new messages to a webhook.
func newDaemon(program, dir string, o crowdOffer, n int) (*daemon, error) {
	d := &daemon{program: program, dir: dir, offer: o, accounts: n}
	if err := os.MkdirAll(filepath.Join(dir, "no-certs"), 0o700); err != nil {
		return nil, err
	}
	var err error
	if d.hook, err = newHook(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), o.Cert, 0o600); err != nil {
		return nil, err
	}
	return d, d.configure(1)
}

// configure writes the configuration for the next start, by which what is done at rest is done more often than usual.
func (d *daemon) configure(often float64) error {
	var text strings.Builder
	fmt.Fprintf(&text, "state = \"state\"\n[api]\nlisten = \"127.0.0.1:0\"\n[defaults]\npassword = \"env:MAIL_PASSWORD\"\nidle_restart = %q\nverify_interval = %q\n",
		faster(9*time.Minute, often), faster(10*time.Minute, often))
	for i := range d.accounts {
		fmt.Fprintf(&text, "[[account]]\nname = \"%d\"\nurl = \"imaps://%d@%s\"\n", i, i, d.offer.Addrs[i%len(d.offer.Addrs)])
	}
	fmt.Fprintf(&text, "[[sink]]\nname = \"hook\"\ntype = \"webhook\"\nurl = %q\nallow = [\"127.0.0.1\"]\nsecret = \"env:WEBHOOK_SECRET\"\n", d.hook.url)
	text.WriteString("[[route]]\nwhere = 'type == \"mail.message.new\"'\nto = [\"hook\"]\n")
	return os.WriteFile(filepath.Join(d.dir, "pushmail.toml"), []byte(text.String()), 0o600)
}

func faster(d time.Duration, often float64) string {
	return time.Duration(float64(d) / often).String()
}

var listens = regexp.MustCompile(`\bapi=(\S+)`)

// start starts the daemon and returns when it says that it runs.
func (d *daemon) start(ctx context.Context) error {
	d.began = time.Now()
	d.cmd = exec.CommandContext(ctx, d.program, "serve", filepath.Join(d.dir, "pushmail.toml"))
	// What the system trusts is the server's certificate alone, as if an authority had made it.
	d.cmd.Env = append(os.Environ(), "MAIL_PASSWORD=x", "WEBHOOK_SECRET="+webhookSecret,
		"SSL_CERT_FILE="+filepath.Join(d.dir, "ca.pem"), "SSL_CERT_DIR="+filepath.Join(d.dir, "no-certs"))
	said, err := d.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := d.cmd.Start(); err != nil {
		return err
	}
	d.stderr.Reset()
	r := bufio.NewReader(said)
	for {
		line, err := r.ReadString('\n')
		d.stderr.WriteString(line)
		if err != nil {
			return fmt.Errorf("%s serve does not start: %s", d.program, d.stderr.String())
		}
		if m := listens.FindStringSubmatch(line); m != nil {
			d.api = "http://" + m[1]
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, r) }() // it must not wait for us
	return nil
}

// kill ends it as a loss of power would.
func (d *daemon) kill() {
	if d.cmd != nil {
		_ = d.cmd.Process.Kill()
		_ = d.cmd.Wait()
	}
}

func (d *daemon) end() {
	d.kill()
	d.hook.close()
}

// metrics asks for /metrics and returns those without labels, and others with their labels in the name.
func (d *daemon) metrics(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.api+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	m := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok {
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				m[name] = v
			}
		}
	}
	if resp.StatusCode == http.StatusServiceUnavailable {
		return nil, errBusy
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("/metrics: %s", resp.Status)
	}
	return m, nil
}

// errBusy says that the daemon took too long to answer.
var errBusy = errors.New("/metrics: 503")

// verified returns when all mailboxes were compared with the server, and how long that was after the start.
func (d *daemon) verified(ctx context.Context, n int) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for {
		m, err := d.metrics(ctx)
		if err != nil && !errors.Is(err, errBusy) {
			return 0, err
		}
		// Events are counted at once, states are as they were up to a second ago.
		if took := time.Since(d.began); m[`pushmail_events_total{type="mail.mailbox.open"}`] >= float64(n) {
			return took, d.allUp(ctx, n)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return 0, fmt.Errorf("not all accounts were verified: %v", m)
		}
	}
}

// allUp makes sure that the mailboxes that were opened are all of them.
func (d *daemon) allUp(ctx context.Context, n int) error {
	for {
		m, err := d.metrics(ctx)
		if err != nil {
			return err
		}
		if m[`pushmail_mailboxes{state="up"}`] == float64(n) && m["pushmail_unverified_mailboxes"] == 0 {
			return nil
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return fmt.Errorf("not all accounts are up: %v", m)
		}
	}
}

// Memory is what a process has of the machine's, in bytes.
type Memory struct {
	RSS int64 `json:"rss"`
	// Anonymous is RSS without what is a file's: the program, mapped parts of the journal.
	Anonymous int64 `json:"anonymous"`
}

func (d *daemon) proc(name string) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", d.cmd.Process.Pid, name))
	if errors.Is(err, os.ErrNotExist) {
		return "", errNoProc
	}
	return string(text), err
}

// memory is what it takes now. Nobody has it collect its garbage for that.
func (d *daemon) memory() (m Memory, err error) {
	text, err := d.proc("status")
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(text) {
		var kB int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kB); err == nil {
			m.RSS = kB << 10
		}
		if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kB); err == nil {
			m.Anonymous = kB << 10
		}
	}
	return m, nil
}

// cpu is the CPU time that it took so far.
func (d *daemon) cpu() (time.Duration, error) {
	text, err := d.proc("stat")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/PID/stat is %q", text)
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * (time.Second / 100), errors.Join(err1, err2) // proc_pid_stat(5): in USER_HZ, which is 100
}

// buildStatic builds the program as it is shipped.
func buildStatic(ctx context.Context, source, path string) (string, error) {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "./cmd/pushmail")
	build.Dir, build.Env = source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build pushmail: %w\n%s", err, out)
	}
	return path, nil
}
