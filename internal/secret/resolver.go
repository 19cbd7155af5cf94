package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/zalando/go-keyring"
)

// Resolver fetches what references refer to. The zero value is ready. It is safe for concurrent use.
type Resolver struct {
	// Getenv looks up environment variables. Nil is os.Getenv.
	Getenv func(string) string
	// Environ is the environment of commands. Nil is os.Environ.
	Environ func() []string
	// Client asks callbacks. Nil is a client that follows no redirects and uses no proxy. Each question may take 30 seconds.
	Client *http.Client
	// CommandTimeout bounds a command. Zero means 1 minute.
	CommandTimeout time.Duration

	mu       sync.Mutex
	answered map[question]answer
}

// For says what a secret is for. Callbacks are told.
type For struct {
	Account, User, Host string
	// Renew: the last one was refused. What is remembered is not used.
	Renew bool
}

// Found is what a reference referred to. From a callback it can be a user name, too, and a password or an access token;
// otherwise it is Secret alone.
type Found struct {
	// Username replaces that of the account; "" does not.
	Username string
	// Secret is a password, a token or a key. IsToken says that a callback called it an access token.
	Secret  Secret
	IsToken bool
}

// Error says why a secret could not be fetched, and what to do. It never has the secret.
type Error struct {
	Ref  Ref
	What string
	Hint string
	Err  error // may be nil
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Ref.String() + ": " + e.What
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Secret fetches what r refers to. It fetches anew each time, apart from callbacks, which say how long their answer
// holds. It returns soon after ctx ends, with its cause. Other errors are *[Error].
func (s *Resolver) Secret(ctx context.Context, r Ref) (Secret, error) {
	f, err := s.Resolve(ctx, r, For{})
	return f.Secret, err
}

// Resolve is Secret for something: what a callback answers depends on it.
func (s *Resolver) Resolve(ctx context.Context, r Ref, what For) (Found, error) {
	if r.kind == HTTP || r.kind == HTTPS {
		return s.ask(ctx, r, what)
	}
	text, err := s.read(ctx, r)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return Found{}, cause
		}
		return Found{}, err
	}
	return Found{Secret: text}, nil
}

func (s *Resolver) read(ctx context.Context, r Ref) (Secret, error) {
	switch r.kind {
	case Literal:
		return r.literal, nil
	case Env:
		return s.fromEnv(r)
	case File:
		return readFile(r, r.text)
	case Credential:
		return s.fromCredential(r)
	case Command:
		return s.run(ctx, r)
	case Keyring:
		return fromKeyring(ctx, r)
	}
	return Secret{}, &Error{Ref: r, What: "no secret is configured"}
}

func (s *Resolver) getenv(name string) string {
	if s.Getenv != nil {
		return s.Getenv(name)
	}
	return os.Getenv(name)
}

func (s *Resolver) fromEnv(r Ref) (Secret, error) {
	value := s.getenv(r.text)
	if value == "" {
		return Secret{}, &Error{Ref: r, What: "the environment variable is not set, or empty"}
	}
	return firstLine(r, []byte(value))
}

func (s *Resolver) fromCredential(r Ref) (Secret, error) {
	path, err := s.credentialPath(r)
	if err != nil {
		return Secret{}, err
	}
	return readFile(r, path)
}

// credentialPath: systemd.exec(5), LoadCredential.
func (s *Resolver) credentialPath(r Ref) (string, error) {
	dir := s.getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", &Error{Ref: r, What: "there are no credentials of systemd: $CREDENTIALS_DIRECTORY is not set", Hint: "run it as a unit with LoadCredential=" + r.text + ":PATH", Err: errNoCredentials}
	}
	return filepath.Join(dir, r.text), nil
}

var errNoCredentials = errors.New("not run by systemd")

// maxSecret bounds a secret, in bytes.
const maxSecret = 64 << 10

func readFile(r Ref, path string) (Secret, error) {
	file, err := os.Open(path)
	if err != nil {
		return Secret{}, fileError(r, path, err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return Secret{}, &Error{Ref: r, What: "is a directory", Hint: "name the file in it"}
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return Secret{}, fileError(r, path, err)
	}
	return firstLine(r, text)
}

func fileError(r Ref, path string, err error) error {
	var bad *os.PathError
	if errors.As(err, &bad) {
		err = bad.Err
	}
	hint := ""
	switch {
	case errors.Is(err, os.ErrPermission):
		hint = fmt.Sprintf("give it to the user that pushmail runs as, who has the number %d: chown; chmod 600", os.Geteuid())
	case errors.Is(err, os.ErrNotExist) && r.kind == Credential:
		hint = "the unit needs LoadCredential=" + r.text + ":PATH"
	case errors.Is(err, os.ErrNotExist):
		hint = "there is no " + path
	}
	return &Error{Ref: r, What: "cannot be read", Hint: hint, Err: err}
}

// firstLine returns the first line, without its end: what follows can be a comment, and editors end files with a newline. Spaces
// belong to the secret.
func firstLine(r Ref, text []byte) (Secret, error) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	switch {
	case len(line) == 0:
		return Secret{}, &Error{Ref: r, What: "the first line, which should be the secret, is empty"}
	case len(line) > maxSecret:
		return Secret{}, &Error{Ref: r, What: fmt.Sprintf("the first line is longer than %d bytes: that is no secret", maxSecret)}
	case bytes.IndexByte(line, 0) >= 0:
		return Secret{}, &Error{Ref: r, What: "the first line has a NUL byte: that is no secret"}
	}
	return New(string(line)), nil
}

// run runs a command. What it says on standard error goes to ours.
func (s *Resolver) run(ctx context.Context, r Ref) (Secret, error) {
	timeout := s.CommandTimeout
	if timeout <= 0 {
		timeout = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.argv[0], r.argv[1:]...)
	cmd.Env = os.Environ()
	if s.Environ != nil {
		cmd.Env = s.Environ()
	}
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second
	out := &limited{}
	cmd.Stdout = out
	err := cmd.Run()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Secret{}, &Error{Ref: r, What: fmt.Sprintf("no answer within %v", timeout), Hint: "it must not wait for a person"}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return Secret{}, &Error{Ref: r, What: "the program failed", Err: err, Hint: "what it says on standard error is in the log"}
	}
	return firstLine(r, out.text)
}

// limited keeps the start of what is written to it.
type limited struct{ text []byte }

func (b *limited) Write(p []byte) (int, error) {
	b.text = append(b.text, p[:min(len(p), maxSecret+1-len(b.text))]...)
	return len(p), nil
}

// fromKeyring asks the keyring. It may ask a person to unlock it, and cannot be stopped: when ctx ends first, it is left alone.
func fromKeyring(ctx context.Context, r Ref) (Secret, error) {
	service, user, _ := strings.Cut(r.text, "/")
	type answer struct {
		text string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		text, err := keyring.Get(service, user)
		answered <- answer{text, err}
	}()
	select {
	case got := <-answered:
		switch {
		case errors.Is(got.err, keyring.ErrNotFound):
			return Secret{}, &Error{Ref: r, What: "the keyring has no such entry", Hint: "on Linux: secret-tool store --label=pushmail service " + service + " username " + user}
		case got.err != nil:
			return Secret{}, &Error{Ref: r, What: "the keyring cannot be asked", Err: got.err, Hint: "a service without a desktop has none: use file: or credential:"}
		}
		return firstLine(r, []byte(got.text))
	case <-ctx.Done():
		return Secret{}, context.Cause(ctx)
	}
}

// Check looks whether a reference can be resolved, as far as that can be seen without asking for the secret: it runs nothing and
// asks no service. unsure says that the error may have to do with where the check is made.
func (s *Resolver) Check(r Ref) (unsure bool, err error) {
	switch r.kind {
	case Env:
		_, err = s.fromEnv(r)
	case File:
		_, err = readFile(r, r.text)
	case Credential:
		_, err = s.fromCredential(r)
		unsure = errors.Is(err, errNoCredentials)
	case Command:
		if _, look := exec.LookPath(r.argv[0]); look != nil {
			err = &Error{Ref: r, What: "the program cannot be found", Err: errors.Unwrap(look)}
		}
	}
	return unsure, err
}

// OpenToOthers reports whether other users may read the file that r refers to.
func (r Ref) OpenToOthers() bool { return r.kind == File && ReadableByOthers(r.text) }

// ReadableByOthers reports whether other users may read a file. Where the system cannot tell, they may not.
func ReadableByOthers(path string) bool {
	info, err := os.Stat(path)
	return err == nil && openToOthers(info)
}
