package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/pushmail/pushmail/imapauth"
)

// Secret is a password, token or key. Nothing but its Reveal shows it.
type Secret = imapauth.Secret

// New returns text as a Secret.
func New(text string) Secret { return imapauth.NewSecret(text) }

// Kind is where a secret is kept.
type Kind string

// The kinds of references, as they are written before the colon.
const (
	Env        Kind = "env"        // an environment variable
	File       Kind = "file"       // the first line of a file
	Command    Kind = "command"    // the first line that a program prints
	Keyring    Kind = "keyring"    // SERVICE/USER in the keyring of the desktop
	Credential Kind = "credential" // a credential that systemd hands over
	HTTP       Kind = "http"       // a service on this machine that answers with credentials
	HTTPS      Kind = "https"      // the same, anywhere
	Literal    Kind = "literal"    // the secret itself
)

// Ref says where a secret is. The zero value refers to nothing. It can be shown: a secret that is given in clear, the host
// of a service apart from its query, and the arguments of a command are masked.
type Ref struct {
	kind    Kind
	text    string // name, path, service/user or URL
	argv    []string
	literal Secret
	// explicit: the secret was given in clear with the prefix that says so.
	explicit bool
}

// Kind returns where the secret is, "" for the zero value.
func (r Ref) Kind() Kind { return r.kind }

// IsZero reports whether r refers to nothing.
func (r Ref) IsZero() bool { return r.kind == "" }

// InClear reports whether r is the secret itself.
func (r Ref) InClear() bool { return r.kind == Literal }

// Path returns the path of a File, "" for others.
func (r Ref) Path() string {
	if r.kind != File {
		return ""
	}
	return r.text
}

// Forms lists the references that there are, for help and errors.
const Forms = `"env:NAME", "file:PATH", "credential:NAME", "keyring:SERVICE/USER", 'command:["PROGRAM", "ARGUMENT"]' or "https://CALLBACK"`

// Parse reads a reference. What begins with none of the prefixes is the secret itself, as is what follows "literal:". Errors
// never repeat the text.
func Parse(text string) (Ref, error) {
	prefix, rest, found := strings.Cut(text, ":")
	kind := Kind(prefix)
	if !found {
		kind = ""
	}
	switch kind {
	case Env, Credential:
		return parseName(kind, rest)
	case File:
		return parsePath(rest)
	case Command:
		return parseCommand(rest)
	case Keyring:
		return parseKeyring(rest)
	case HTTP, HTTPS:
		return parseCallback(kind, text)
	case Literal:
		if rest == "" {
			return Ref{}, errors.New(`nothing follows "literal:"`)
		}
		return Ref{kind: Literal, literal: New(rest), explicit: true}, nil
	}
	if text == "" {
		return Ref{}, errors.New("it is empty: want " + Forms)
	}
	return Ref{kind: Literal, literal: New(text)}, nil
}

func parseName(kind Kind, name string) (Ref, error) {
	switch {
	case name == "":
		return Ref{}, fmt.Errorf(`nothing follows "%s:": want %s:NAME`, kind, kind)
	case kind == Env && strings.ContainsAny(name, "=$ \x00"):
		return Ref{}, errors.New(`not the name of an environment variable: want "env:NAME", without $ and spaces`)
	case kind == Credential && (strings.ContainsAny(name, "/\x00") || name == "." || name == ".."):
		return Ref{}, errors.New(`not the name of a credential: want "credential:NAME" with the NAME of LoadCredential=NAME:PATH in the unit`)
	}
	return Ref{kind: kind, text: name}, nil
}

func parsePath(path string) (Ref, error) {
	if after, ok := strings.CutPrefix(path, "//"); ok { // file:///etc/…
		if !strings.HasPrefix(after, "/") {
			return Ref{}, errors.New(`file:// is followed by a host: want "file:PATH"`)
		}
		path = after
	}
	switch {
	case path == "":
		return Ref{}, errors.New(`nothing follows "file:": want "file:PATH"`)
	case strings.HasPrefix(path, "~"):
		return Ref{}, errors.New(`"~" is not expanded: write the whole path`)
	case strings.ContainsRune(path, 0):
		return Ref{}, errors.New("the path has a NUL byte")
	}
	return Ref{kind: File, text: path}, nil
}

func parseCommand(text string) (Ref, error) {
	var argv []string
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		if err := json.Unmarshal([]byte(text), &argv); err != nil {
			return Ref{}, errors.New(`not a list of strings: want 'command:["PROGRAM", "ARGUMENT"]', in single quotes`)
		}
	} else if argv = strings.Fields(text); strings.ContainsAny(text, `'"\$|;&<>*`+"`") {
		return Ref{}, errors.New(`no shell runs the command, so quotes, $, | and the like do nothing: write 'command:["PROGRAM", "ARGUMENT"]', with "sh", "-c", "…" for a shell`)
	}
	if len(argv) == 0 || argv[0] == "" {
		return Ref{}, errors.New(`"command:" names no program: want 'command:["PROGRAM", "ARGUMENT"]'`)
	}
	if strings.ContainsRune(strings.Join(argv, ""), 0) {
		return Ref{}, errors.New("the command has a NUL byte")
	}
	return Ref{kind: Command, text: argv[0], argv: argv}, nil
}

func parseKeyring(text string) (Ref, error) {
	service, user, ok := strings.Cut(text, "/")
	if !ok || service == "" || user == "" {
		return Ref{}, errors.New(`want "keyring:SERVICE/USER"`)
	}
	return Ref{kind: Keyring, text: text}, nil
}

func parseCallback(kind Kind, text string) (Ref, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "" || u.Fragment != "":
		return Ref{}, errors.New(`not a valid URL: want "https://HOST/PATH"`)
	case u.User != nil:
		return Ref{}, errors.New("the URL of a credential service must not have a user or password in it: let the service accept this machine, by a client address or a socket")
	case kind == HTTP && !Loopback(u.Hostname()):
		return Ref{}, errors.New("http:// would show the password to anyone on the way: use https://, or a service on this machine (127.0.0.1, ::1, localhost)")
	}
	return Ref{kind: kind, text: text}, nil
}

// String returns the reference. It has no secret.
func (r Ref) String() string {
	switch r.kind {
	case "":
		return ""
	case Literal:
		return "literal:***"
	case HTTP, HTTPS:
		if before, _, ok := strings.Cut(r.text, "?"); ok {
			return before + "?***"
		}
		return r.text
	case Command:
		return "command:" + r.text + strings.Repeat(" ***", min(1, len(r.argv)-1))
	}
	return string(r.kind) + ":" + r.text
}

// GoString returns the reference without a secret.
func (r Ref) GoString() string { return "secret.Ref(" + r.String() + ")" }

// Format writes the reference without a secret for every verb.
func (r Ref) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('#') {
		fmt.Fprint(f, r.GoString())
		return
	}
	fmt.Fprint(f, r.String())
}

// LogValue returns the reference without a secret.
func (r Ref) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText returns the reference without a secret.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// In returns r with the path of a file made absolute: it is meant from dir.
func (r Ref) In(dir string) Ref {
	if r.kind == File && !filepath.IsAbs(r.text) {
		r.text = filepath.Join(dir, r.text)
	}
	return r
}
