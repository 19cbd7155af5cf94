package imapclient

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

const (
	// maxConnectReply bounds the header of a proxy's answer to CONNECT.
	maxConnectReply = 64 << 10
	// maxInterim bounds the 1xx responses before it.
	maxInterim = 5
)

// connect asks an HTTP proxy for a tunnel to addr (RFC 9110 section 9.3.6).
func (p *Proxy) connect(ctx context.Context, nc net.Conn, addr string) (net.Conn, error) {
	defer untilDone(ctx, nc)()
	if _, err := io.WriteString(nc, p.connectRequest(addr)); err != nil {
		return nil, connectBroken(err)
	}
	limited := &io.LimitedReader{R: nc, N: maxConnectReply}
	r := bufio.NewReader(limited)
	for range maxInterim {
		reply, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
		switch {
		case err != nil && limited.N <= 0:
			return nil, &ProxyError{Reason: fmt.Sprintf("its answer is longer than %d bytes", maxConnectReply), hint: "is it an HTTP proxy?"}
		case err != nil:
			return nil, connectBroken(err)
		case reply.StatusCode >= 200:
			if err := p.connectRefused(reply); err != nil {
				return nil, err
			}
			return afterReply(nc, r), nil
		}
	}
	return nil, &ProxyError{Reason: "it does not come to an answer"}
}

// connectRequest is what is sent. Options.check and ParseProxy have seen to it that no CR or LF is in it.
func (p *Proxy) connectRequest(addr string) string {
	request := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	if !p.user.IsZero() || !p.password.IsZero() {
		request += "Proxy-Authorization: Basic " +
			base64.StdEncoding.EncodeToString([]byte(p.user.Reveal()+":"+p.password.Reveal())) + "\r\n"
	}
	return request + "\r\n"
}

// connectBroken explains an answer that is not one of HTTP.
func connectBroken(err error) error {
	var network net.Error
	if errors.As(err, &network) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &ProxyError{Reason: "it closed the connection", hint: "it may want https://, or not allow this machine"}
	}
	return &ProxyError{Reason: "it does not answer like an HTTP proxy", hint: "for a SOCKS proxy write socks5://, and for one that expects TLS https://"}
}

// connectRefused returns nil for a tunnel that is open.
func (p *Proxy) connectRefused(reply *http.Response) error {
	if reply.StatusCode < 300 {
		return nil
	}
	e := &ProxyError{Status: reply.StatusCode, Reason: "it answered " + excerpt([]byte(reply.Status))}
	switch reply.StatusCode {
	case http.StatusProxyAuthRequired:
		e.Refused, e.hint = true, p.credentialsHint()
		if schemes := reply.Header.Values("Proxy-Authenticate"); !offersBasic(schemes) {
			e.hint = "it wants another authentication than Basic, the only one supported: " + excerpt([]byte(strings.Join(schemes, ", ")))
		}
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusUnauthorized, http.StatusNotImplemented:
		e.Refused, e.hint = true, "many proxies allow CONNECT to port 443 alone: its administrator has to allow the port of the mail server"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.hint = "the proxy cannot reach the mail server: check its host and port"
	}
	return e
}

func offersBasic(schemes []string) bool {
	for _, s := range schemes {
		if strings.Contains(strings.ToLower(s), "basic") {
			return true
		}
	}
	return len(schemes) == 0
}

// afterReply returns nc, with what was read behind the proxy's answer in front: the server may have
// begun to speak.
func afterReply(nc net.Conn, r *bufio.Reader) net.Conn {
	ahead, _ := r.Peek(r.Buffered())
	if len(ahead) == 0 {
		return nc
	}
	return &withHead{Conn: nc, head: append([]byte(nil), ahead...)}
}

// withHead is a connection of which some bytes were read already.
type withHead struct {
	net.Conn
	head []byte
}

func (c *withHead) Read(p []byte) (int, error) {
	if len(c.head) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.head)
	if c.head = c.head[n:]; len(c.head) == 0 {
		c.head = nil
	}
	return n, nil
}
