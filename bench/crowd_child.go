package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/pushmail/pushmail/bench/crowd"
	"github.com/pushmail/pushmail/bench/latency"
)

func init() {
	parts["crowd-server"] = crowdServerPart
	parts["crowd"] = crowdPart
}

// crowdOffer is what the server's process says when it is ready.
type crowdOffer struct {
	Addr  string   `json:"addr"`
	Addrs []string `json:"addrs"` // of all hosts, Addr included
	Cert  []byte   `json:"cert"`  // PEM; nil: plain
}

// crowdServerPart is "crowd-server USERS tls|plain [HOSTS]". It answers "push MESSAGES PER-SECOND", "arrive MESSAGES PER-SECOND" and "cut", a
// line each, with a line of JSON. HOSTS is on how many loopback addresses it listens.
func crowdServerPart(_ context.Context, args []string) error {
	if len(args) != 2 && len(args) != 3 {
		return errors.New("want: crowd-server USERS tls|plain [HOSTS]")
	}
	var more []net.IP
	if len(args) == 3 {
		hosts, err := strconv.Atoi(args[2])
		if err != nil || hosts < 1 || hosts > 250 {
			return fmt.Errorf("HOSTS is %q, want 1 to 250", args[2])
		}
		for i := 1; i < hosts; i++ {
			more = append(more, net.IPv4(127, 0, 0, byte(1+i)))
		}
	}
	users, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	var cert *tls.Certificate
	var o crowdOffer
	if args[1] == "tls" {
		made, err := latency.SelfSigned(more...)
		if err != nil {
			return err
		}
		cert, o.Cert = &made, latency.CertPEM(made)
	}
	s, err := crowd.Listen(users, cert)
	if err != nil {
		return err
	}
	for _, ip := range more {
		if err := s.ListenOn(ip); err != nil {
			return err
		}
	}
	o.Addr, o.Addrs = s.Addr(), s.Addrs()
	answers := json.NewEncoder(os.Stdout)
	if err := answers.Encode(o); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var messages int
		var perSecond float64
		var answer any
		if lines.Text() == "cut" {
			answer = s.Cut()
		} else if _, err := fmt.Sscanf(lines.Text(), "push %d %g", &messages, &perSecond); err == nil {
			answer = s.Push(messages, perSecond)
		} else if _, err := fmt.Sscanf(lines.Text(), "arrive %d %g", &messages, &perSecond); err == nil {
			answer = s.Arrive(messages, perSecond)
		} else {
			return fmt.Errorf("what is %q", lines.Text())
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return s.Close()
}

// crowdPart is "crowd SUBJECT MAILBOXES OFTEN OFFER".
func crowdPart(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return errors.New("want: crowd SUBJECT MAILBOXES OFTEN OFFER")
	}
	var o crowdOffer
	if err := json.Unmarshal([]byte(args[3]), &o); err != nil {
		return err
	}
	s := &crowd.Setup{Addr: o.Addr}
	var err, err2 error
	s.Mailboxes, err = strconv.Atoi(args[1])
	s.Often, err2 = strconv.ParseFloat(args[2], 64)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if o.Cert != nil {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(o.Cert)
		s.TLS = &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
		if args[0] != crowd.Manager && args[0] != crowd.Poller { // they bring one
			s.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(0)
		}
	}
	return crowd.Run(ctx, args[0], s, os.Stdin, os.Stdout)
}

// child is a process that answers lines.
type child struct {
	name    string
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers *json.Decoder
	stderr  strings.Builder
}

func startChild(ctx context.Context, args ...string) (*child, error) {
	c := &child{name: strings.Join(args[:2], " "), cmd: self(ctx, args...)}
	c.cmd.Stderr = &c.stderr
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.answers = json.NewDecoder(out)
	return c, c.cmd.Start()
}

// hear reads an answer.
func (c *child) hear(answer any) error {
	if err := c.answers.Decode(answer); err != nil {
		return fmt.Errorf("%s: %w: %s", c.name, err, strings.TrimSpace(c.stderr.String()))
	}
	return nil
}

func (c *child) say(question string) error {
	_, err := io.WriteString(c.stdin, question+"\n")
	return err
}

func (c *child) ask(question string, answer any) error {
	return errors.Join(c.say(question), c.hear(answer))
}

// stop ends the process. It does not wait for farewells of thousands of connections.
func (c *child) stop() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}
