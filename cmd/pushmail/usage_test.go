package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// runHere runs the program without a server.
func runHere(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	o, e := newScreen(), newScreen()
	env := []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	code = run(t.Context(), args, stdio{in: strings.NewReader(""), out: o, err: e, env: env})
	return code, o.text(), e.text()
}

func TestWrongUsageIsExplained(t *testing.T) {
	t.Parallel()
	const url = "imaps://jo:hunter2@mail.invalid/INBOX"
	for _, test := range []struct{ args, want string }{
		{"wach", "did you mean watch?"},
		{"frobnicate", "pushmail --help"},
		{"help wach", "did you mean watch?"},
		{url, "pushmail watch URL"},
		{"--jsno", "there is no flag --jsno"},
		{"watch", "which mailbox?"},
		{"watch --exec cmd " + url, "comes before --exec"},
		{"watch " + url + " --exec", "needs a command"},
		{"watch " + url + " --exec no-such-command-here", "cannot run no-such-command-here"},
		{"watch --exec-all " + url, "--exec-all needs --exec"},
		{"watch " + url + " " + url, "is given twice"},
		{"watch --all-mailboxes --mailbox x " + url, "contradict"},
		{"watch --all-mailboxes " + url, "names a mailbox"},
		{"watch --account x " + url + " imaps://al:x@mail.invalid/", "--account names one account"},
		{"watch --from yesterday " + url, "a time back such as 24h"},
		{"watch --text much " + url, "262144"},
		{"watch --text 999999999 " + url, "262144"},
		{"watch --proxy ftp://x " + url, "--proxy"},
		{"watch --pin 123 " + url, "--pin"},
		{"watch --providers /nonexistent " + url, "--providers: open /nonexistent"},
		{"doctor --providers /nonexistent " + url, "--providers: open /nonexistent"},
		{"watch --client-key x " + url, "--client-key needs --client-cert"},
		{"watch --client-cert /nonexistent " + url, "/nonexistent"},
		{"watch --token-command x --oauth " + url, "leave out --oauth"},
		{"watch --jsno " + url, "did you mean --json?"},
		{"watch --cafile x " + url, "did you mean --ca-file?"},
		{"watch --password hunter2 " + url, "--password-file"},
		{"watch -phunter2 " + url, "there is no flag -p"},
		{"watch --idle-restart 1h " + url, "at most 29m"},
		{"watch --idle-restart -1s " + url, "more than 0"},
		{"watch --idle-restart soon " + url, "idle-restart"},
		{"watch --exec-timeout 0 " + url, "more than 0"},
		{"watch --verify-interval -1s " + url, "negative"},
		{"watch --connect-timeout 0s " + url, "more than 0"},
		{"watch --json --quiet " + url, "contradict"},
		{"watch --plaintext " + url, "contradicts imaps://"},
		{"watch --log-level loud " + url, "debug, info, warn or error"},
		{"watch --ca-file /nonexistent " + url, "/nonexistent"},
		{"watch --protocol-log-timestamps " + url, "needs --protocol-log"},
		{"watch --protocol-log /nonexistent/x " + url, "/nonexistent/x"},
		{"watch http://jo:hunter2@x/", "imaps://"},
		{"watch jo:hunter2@x", "imaps://"},
		{"watch imaps://mail.invalid/INBOX", "names no user"},
		{"watch imaps://jo:hunter2%zz@x/", "percent-encoded"},
		{"watch imaps://jo@mail.invalid/INBOX", "no password: use --password-file"},
		{"list --limit -1 " + url, "negative"},
		{"list --json", "which mailbox?"},
		{"demo x", "no arguments"},
		{"demo --for -1s", "negative"},
		{"demo --every 0", "more than 0"},
		{"version x", "no arguments"},
	} {
		code, out, errs := runHere(t, strings.Fields(test.args)...)
		last := strings.TrimSuffix(errs[strings.LastIndex(strings.TrimSuffix(errs, "\n"), "\n")+1:], "\n")
		if code != exitUsage || !strings.Contains(last, test.want) || !strings.HasPrefix(last, "pushmail: ") || out != "" {
			t.Errorf("pushmail %s: exit code %d, output %q, said %q; want %d and %q", test.args, code, out, errs, exitUsage, test.want)
		}
		if strings.Contains(errs, "hunter2") {
			t.Errorf("pushmail %s shows the password: %s", test.args, errs)
		}
	}
}

func TestHelpTeachesByExample(t *testing.T) {
	t.Parallel()
	a := &app{}
	for _, cmd := range append(a.rootCommand().Commands(), a.rootCommand()) {
		if cmd.IsAdditionalHelpTopicCommand() || cmd.Name() == "help" {
			continue
		}
		if cmd.Short == "" || cmd.Long == "" || !strings.Contains(cmd.Example, "pushmail") {
			t.Errorf("%s lacks a short, a long text or an example", cmd.CommandPath())
		}
		checkExample(t, cmd)
	}
	for _, args := range []string{"", "--help", "help", "watch --help", "help watch", "help exit-codes", "help passwords", "list -h", "demo --help", "version", "--version", "completion bash"} {
		code, out, errs := runHere(t, strings.Fields(args)...)
		if code != exitOK || !strings.Contains(out, "pushmail") || errs != "" {
			t.Errorf("pushmail %s: exit code %d, %d bytes, said %q", args, code, len(out), errs)
		}
	}
}

// checkExample parses the flags of each example line.
func checkExample(t *testing.T, cmd *cobra.Command) {
	t.Helper()
	for line := range strings.Lines(cmd.Example) {
		line, _, _ = strings.Cut(line, "|")
		line, _, _ = strings.Cut(line, ">")
		words, err := splitWords(line)
		if err != nil || len(words) < 2 || words[0] != "pushmail" {
			t.Errorf("example %q: %v", line, err)
			continue
		}
		rest, _, err := splitExec(words[1:])
		if err != nil {
			t.Errorf("example %q: %v", line, err)
			continue
		}
		target, flags, err := (&app{}).rootCommand().Find(rest)
		if err == nil {
			err = target.ParseFlags(flags)
		}
		if err != nil || !strings.HasPrefix(target.CommandPath()+" ", "pushmail "+words[1]+" ") {
			t.Errorf("example %q: %v", line, err)
		}
	}
}

func TestStateDirectory(t *testing.T) {
	t.Parallel()
	for want, env := range map[string][]string{
		"/x/state/pushmail":        {"XDG_STATE_HOME=/x/state", "HOME=/h"},
		"/h/.local/state/pushmail": {"XDG_STATE_HOME=relative", "HOME=/h"},
		"/g/.local/state/pushmail": {"HOME=/g"},
	} {
		s := stdio{env: env}
		if got := filepath.ToSlash(s.defaultStateDir()); got != want {
			t.Errorf("with %q: %s, want %s", env, got, want)
		}
	}
}

func TestStateIsLocked(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "x.checkpoint")
	release, err := lockState(name, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockState(name, true); exitCode(err) != exitState || !strings.Contains(err.Error(), "another pushmail") {
		t.Errorf("second lock: %v", err)
	}
	release()
	release, err = lockState(name, true)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
