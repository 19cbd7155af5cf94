package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// passwordSource returns the password. It is asked on each connect, so that it can bring a fresh one.
type passwordSource func(ctx context.Context) (string, error)

const passwordsHelp = `Where pushmail takes the password from. At most one of the first three may be given:

  --password-file FILE      the first line of FILE; "-" reads standard input, once
  --password-command CMD    the first line that CMD prints, such as: pass show mail
  imaps://USER:PASSWORD@…   in the URL; other users of this machine can see it there

and if none of them is:

  $PUSHMAIL_PASSWORD        the environment variable
  a prompt                  if standard input is a terminal

Files and commands are read anew on each connect, so they can bring a password that has
changed or a token that has been renewed.

CMD is split into words as a shell would do it, but no shell runs it: 'single' and
"double" quotes and backslashes keep spaces together, and nothing is expanded: neither
$VARIABLES nor ~, *, | or ;. For those, write: sh -c '…'. CMD may take a minute, has no
standard input, and its errors go to standard error.

In the URL special characters are percent-encoded: %40 for @, %3A for :, %2F for /,
%25 for %. The password is in no output, log or --protocol-log.

With --oauth all of this is about an OAuth 2.0 access token instead. Tokens end after an
hour or so, so let --password-command bring a fresh one.`

// passwordFrom returns the source that the flags, the URL and the environment name.
func (f *connFlags) passwordFrom(a *app, user, inURL string, hasInURL bool) (passwordSource, error) {
	explicit := 0
	for _, given := range []bool{f.passwordFile != "", f.passwordCommand != "", hasInURL} {
		if given {
			explicit++
		}
	}
	switch {
	case explicit > 1:
		return nil, usageError{errors.New("the password is given in more than one way: use one of --password-file, --password-command and the URL")}
	case f.passwordFile == "-":
		return onceOnly(func(context.Context) (string, error) { return readPassword("standard input", a.in) }), nil
	case f.passwordFile != "":
		if _, err := os.Stat(f.passwordFile); err != nil {
			return nil, credentialsError{fmt.Errorf("password file: %w", err)}
		}
		return fileSource(f.passwordFile, a.warn), nil
	case f.passwordCommand != "":
		return commandSource(f.passwordCommand, a)
	case hasInURL:
		a.warn("the password in the URL can be seen by other users of this machine, as in ps: --password-file and --password-command keep it to yourself")
		return fixed(inURL), nil
	case a.getenv(passwordVariable) != "":
		return fixed(a.getenv(passwordVariable)), nil
	}
	if tty, ok := terminal(a.in); ok {
		return onceOnly(func(ctx context.Context) (string, error) { return prompt(ctx, tty, a.err, user) }), nil
	}
	return nil, usageError{errors.New("no password: use --password-file FILE, --password-command CMD or $" + passwordVariable + " (pushmail help passwords)")}
}

func fixed(password string) passwordSource {
	return func(context.Context) (string, error) { return password, nil }
}

// onceOnly asks a source until it has brought a password, and then remembers that.
func onceOnly(source passwordSource) passwordSource {
	var mu sync.Mutex
	var known *string
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if known != nil {
			return *known, nil
		}
		password, err := source(ctx)
		if err == nil {
			known = &password
		}
		return password, err
	}
}

// fileSource reads a file. It warns once about one that others can read.
func fileSource(name string, warn func(string, ...any)) passwordSource {
	var once sync.Once
	return func(context.Context) (string, error) {
		file, err := os.Open(name)
		if err != nil {
			return "", credentialsError{fmt.Errorf("password file: %w", err)}
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && openToOthers(info) {
			once.Do(func() {
				warn("the password file %s can be read by other users: chmod 600 %s", clean(name), clean(name))
			})
		}
		return readPassword("password file "+clean(name), file)
	}
}

// maxPassword bounds a password, or a token, in bytes.
const maxPassword = 64 << 10

// readPassword returns the first line of r.
func readPassword(what string, r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxPassword+1))
	if err != nil {
		return "", credentialsError{fmt.Errorf("%s: %w", what, err)}
	}
	return firstLine(what, text)
}

func firstLine(what string, text []byte) (string, error) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	switch {
	case len(line) == 0:
		return "", credentialsError{fmt.Errorf("%s: the first line, which should be the password, is empty", what)}
	case len(line) > maxPassword:
		return "", credentialsError{fmt.Errorf("%s: the first line is longer than %d bytes: that is no password", what, maxPassword)}
	case bytes.IndexByte(line, 0) >= 0:
		return "", credentialsError{fmt.Errorf("%s: the first line has a NUL byte: that is no password", what)}
	}
	return string(line), nil
}

// passwordTimeout bounds a password command: it may have to ask a person.
const passwordTimeout = time.Minute

// commandSource runs a command on each connect.
func commandSource(text string, a *app) (passwordSource, error) {
	argv, err := splitWords(text)
	if err == nil && len(argv) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("--password-command: %w (pushmail help passwords)", err)}
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, usageError{fmt.Errorf("--password-command: cannot run %s: %w", clean(argv[0]), errors.Unwrap(err))}
	}
	return func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, passwordTimeout)
		defer cancel()
		what := "password command " + clean(argv[0])
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Env = withoutSecrets(a.env)
		cmd.Stderr = a.err
		cmd.WaitDelay = time.Second
		out := &limitedBuffer{most: maxPassword + 1}
		cmd.Stdout = out
		err := cmd.Run()
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return "", credentialsError{fmt.Errorf("%s: no answer within %v", what, passwordTimeout)}
		case context.Cause(ctx) != nil:
			return "", context.Cause(ctx)
		case err != nil && !errors.Is(err, exec.ErrWaitDelay):
			return "", credentialsError{fmt.Errorf("%s: %w", what, err)}
		}
		return firstLine(what, out.text)
	}, nil
}

// limitedBuffer keeps the start of what is written to it.
type limitedBuffer struct {
	text []byte
	most int
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	b.text = append(b.text, p[:min(len(p), b.most-len(b.text))]...)
	return len(p), nil
}

// prompt asks at the terminal. If ctx ends first, the terminal is left as it was.
func prompt(ctx context.Context, tty *os.File, out io.Writer, user string) (string, error) {
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return "", credentialsError{fmt.Errorf("ask for the password: %w", err)}
	}
	fmt.Fprintf(out, "Password of %s: ", clean(user))
	type answer struct {
		text []byte
		err  error
	}
	answered := make(chan answer, 1)
	// When ctx ends, this goroutine goes on waiting for a key until the program ends.
	go func() {
		text, err := term.ReadPassword(int(tty.Fd()))
		answered <- answer{text, err}
	}()
	select {
	case got := <-answered:
		fmt.Fprintln(out)
		switch {
		case errors.Is(got.err, io.EOF):
			return "", credentialsError{errors.New("no password was entered")}
		case got.err != nil:
			return "", credentialsError{fmt.Errorf("ask for the password: %w", got.err)}
		case strings.TrimSpace(string(got.text)) == "":
			return "", credentialsError{errors.New("no password was entered")}
		}
		return string(got.text), nil
	case <-ctx.Done():
		_ = term.Restore(int(tty.Fd()), before)
		fmt.Fprintln(out)
		return "", context.Cause(ctx)
	}
}
