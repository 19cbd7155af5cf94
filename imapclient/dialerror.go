package imapclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
)

// DialError says that no connection could be made. Stage is where it ended: "resolve" (the name),
// "connect" (TCP), "proxy" (all that has to do with a [Proxy]; Addr is the proxy then) or "tls".
type DialError struct {
	Addr  string
	Stage string
	Hint  string // what to try, or ""
	Err   error
}

func (e *DialError) Error() string {
	s := fmt.Sprintf("%s %s: %v", e.Stage, e.Addr, e.Err)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}
func (e *DialError) Unwrap() error { return e.Err }

// class is for [Classify].
func (e *DialError) class() Class {
	var proxy *ProxyError
	var record tls.RecordHeaderError
	switch {
	// Only the cause of the caller's context is that very value: net has errors that claim to be one.
	case e.Err == context.Canceled, e.Err == context.DeadlineExceeded: //nolint:errorlint
		return ClassCancelled
	case errors.As(e, &proxy) && proxy.Refused, errors.As(e, &record):
		return ClassConfig
	}
	if alert := alertOf(e); alert != 40 && alertHints[alert] != "" { // 40 can be a server in trouble
		return ClassConfig
	}
	return ClassTransient
}

// OptionError says that a field of [Options] cannot be used. Nothing was done.
type OptionError struct {
	Option string // the name of the field
	Reason string // what is wrong with it and what is wanted
}

func (e *OptionError) Error() string { return "Options." + e.Option + ": " + e.Reason }

// errorList is what went wrong with several addresses.
type errorList []error

func (l errorList) Error() string {
	var b strings.Builder
	for i, err := range l {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(err.Error())
	}
	return b.String()
}

func (l errorList) Unwrap() []error { return l }

// joined is nil, the only error, or all of them.
func joined(errs []error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	return errorList(errs)
}

// speaker says who begins to speak like that, or "".
func speaker(head []byte) string {
	for _, s := range []struct{ prefix, who string }{
		{"HTTP/", "a web server"},
		{"<", "a web server"},
		{"220", "a server for SMTP or FTP"},
		{"421", "a server for SMTP or FTP"},
		{"554", "a server for SMTP"},
		{"+OK", "a server for POP3 (IMAP has port 993 or 143)"},
		{"-ERR", "a server for POP3 (IMAP has port 993 or 143)"},
		{"SSH-", "a server for SSH"},
		{"200", "a server for NNTP"},
		{"201", "a server for NNTP"},
		{`"IMPLEMENTATION"`, "a server for ManageSieve"},
	} {
		if bytes.HasPrefix(head, []byte(s.prefix)) {
			return s.who
		}
	}
	return ""
}
