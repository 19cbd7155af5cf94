package imapclient_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// A password that nobody may ever see.
const (
	proxyUser     = "proxyjo"
	proxyPassword = "pr0xy:hunter2"
	proxyInfo     = "proxyjo:pr0xy%3Ahunter2@"
)

func mustProxy(t testing.TB, text string) *imapclient.Proxy {
	t.Helper()
	p, err := imapclient.ParseProxy(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wantNoSecret looks for what a proxy is told of its user in what people are shown.
func wantNoSecret(t *testing.T, where, text string) {
	t.Helper()
	for _, secret := range []string{proxyUser, proxyPassword, "hunter2", base64.StdEncoding.EncodeToString([]byte(proxyUser + ":" + proxyPassword))} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows %q: %s", where, secret, text)
		}
	}
}

func TestProxyURLs(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"socks5://proxy.example", "socks5://proxy.example:1080"},
		{"SOCKS5H://proxy.example:9050/", "socks5h://proxy.example:9050"},
		{"http://proxy.example", "http://proxy.example:80"},
		{"https://[2001:db8::1]", "https://[2001:db8::1]:443"},
		{"http://" + proxyInfo + "proxy.example:3128", "http://proxy.example:3128"},
		{"socks5://" + proxyInfo + "proxy.example", "socks5://proxy.example:1080"},
	} {
		p, err := imapclient.ParseProxy(tt.text)
		if err != nil || p.String() != tt.want {
			t.Errorf("%s: got %v, %v; want %s", tt.text, p, err, tt.want)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			wantNoSecret(t, verb, fmt.Sprintf(verb, p)+fmt.Sprintf(verb, imapclient.Options{Proxy: p}))
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"", "must start with socks5://"},
		{"proxy.example:1080", "must start with"},
		{"ftp://proxy.example", "must start with"},
		{"socks4://proxy.example", "only version 5"},
		{"socks5://", "names no host"},
		{"socks5://:1080", "names no host"},
		{"socks5://proxy.example:0", "port"},
		{"socks5://proxy.example:port", "not a valid proxy URL"},
		{"http://" + proxyInfo + "proxy.example/path", "must end after the port"},
		{"http://" + proxyInfo + "proxy.example?x=y", "must end after the port"},
		{"http://proxyjo:hunter2%zz@proxy.example", "percent-encoded"},
		{"socks5://:hunter2@proxy.example", "no user"},
		{"socks5://u:" + strings.Repeat("hunter2", 40) + "@proxy.example", "255 bytes"},
		{"http://a%3Ab:hunter2@proxy.example", "cannot contain"},
	} {
		_, err := imapclient.ParseProxy(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.text, err, tt.want)
			continue
		}
		wantNoSecret(t, "the error", err.Error())
	}
}

// What a proxy may answer, and what becomes of it. {*} stands for nothing here: every byte to the proxy counts.
func TestWhatProxiesAnswer(t *testing.T) {
	const (
		connect     = "C: CONNECT mail.example.org:143 HTTP/1.1\nC: Host: mail.example.org:143\nC-raw: \"\\r\\n\"\n"
		connectAs   = "C: CONNECT mail.example.org:143 HTTP/1.1\nC: Host: mail.example.org:143\nC: Proxy-Authorization: Basic cHJveHlqbzpwcjB4eTpodW50ZXIy\nC-raw: \"\\r\\n\"\n"
		socks       = "C-raw: \"\\x05\\x01\\x00\"\n"
		socksAs     = "C-raw: \"\\x05\\x02\\x00\\x02\"\n"
		socksTarget = "C-raw: \"\\x05\\x01\\x00\\x03\\x10mail.example.org\\x00\\x8f\"\n"
		socksUser   = "C-raw: \"\\x01\\x07proxyjo\\x0dpr0xy:hunter2\"\n"
		greeting    = "S: * OK hello\n"
		http, httpU = "http://proxy.example:3128", "http://" + proxyInfo + "proxy.example:3128"
		s5, s5U     = "socks5://proxy.example", "socks5://" + proxyInfo + "proxy.example"
	)
	for _, tt := range []struct {
		name, proxy, script string
		want                []string // parts of the error; none for success
		class               imapclient.Class
	}{
		{"CONNECT", http, connect + "S: HTTP/1.1 200 OK\nS-raw: \"\\r\\n\"\n" + greeting, nil, 0},
		{"CONNECT, HTTP/1.0, with headers of a body", http, connect + "S: HTTP/1.0 200 Connection established\nS: Content-Length: 12\nS-raw: \"\\r\\n\"\n" + greeting, nil, 0},
		{"CONNECT with 204", http, connect + "S: HTTP/1.1 204 fine\nS-raw: \"\\r\\n\"\n" + greeting, nil, 0},
		{"CONNECT, the server speaks in the same packet", http, connect + "S-raw: \"HTTP/1.1 200 OK\\r\\n\\r\\n* OK hel\"\nS-raw: \"lo\\r\\n\"", nil, 0},
		{"CONNECT, interim answers", http, connect + "S-raw: \"HTTP/1.1 103 Early Hints\\r\\n\\r\\nHTTP/1.1 200 OK\\r\\n\\r\\n\"\n" + greeting, nil, 0},
		{"CONNECT with a user", httpU, connectAs + "S-raw: \"HTTP/1.1 200 OK\\r\\n\\r\\n\"\n" + greeting, nil, 0},
		{
			"407 without a user", http, connect + "S-raw: \"HTTP/1.1 407 Who are you\\r\\nProxy-Authenticate: Basic realm=\\\"x\\\"\\r\\n\\r\\n\"\nC-close",
			[]string{"proxy http://proxy.example:3128", "407 Who are you", "http://USER:PASSWORD@proxy.example:3128"},
			imapclient.ClassConfig,
		},
		{
			"407 for a user", httpU, connectAs + "S-raw: \"HTTP/1.1 407 No\\r\\nProxy-Authenticate: Basic realm=\\\"x\\\"\\r\\n\\r\\n\"\nC-close",
			[]string{"407 No", "check user and password"},
			imapclient.ClassConfig,
		},
		{
			"407 with another scheme", httpU, connectAs + "S-raw: \"HTTP/1.1 407 No\\r\\nProxy-Authenticate: NTLM\\r\\n\\r\\n\"\nC-close",
			[]string{"another authentication than Basic", "NTLM"},
			imapclient.ClassConfig,
		},
		{"403", http, connect + "S-raw: \"HTTP/1.1 403 Forbidden\\r\\n\\r\\n\"\nC-close", []string{"403 Forbidden", "port 443 alone"}, imapclient.ClassConfig},
		{"502", http, connect + "S-raw: \"HTTP/1.1 502 Bad Gateway\\r\\n\\r\\n\"\nC-close", []string{"502 Bad Gateway", "cannot reach"}, imapclient.ClassTransient},
		{"302", http, connect + "S-raw: \"HTTP/1.1 302 Found\\r\\nLocation: http://evil.example\\r\\n\\r\\n\"\nC-close", []string{"302 Found"}, imapclient.ClassTransient},
		{"control characters", http, connect + "S-raw: \"HTTP/1.1 500 a\\x1b[2Jb\\r\\n\\r\\n\"\nC-close", []string{"500 a"}, imapclient.ClassTransient},
		{"hangs up", http, connect + "close", []string{"closed the connection"}, imapclient.ClassTransient},
		{"hangs up in the header", http, connect + "S: HTTP/1.1 200 OK\nclose", []string{"closed the connection"}, imapclient.ClassTransient},
		{"garbage", http, connect + "S-raw: \"\\x05\\x00\\r\\n\\r\\n\"\nC-close", []string{"does not answer like an HTTP proxy", "socks5://"}, imapclient.ClassTransient},
		{"a mail server", http, connect + "S: * OK hello\nC-close", []string{"does not answer like an HTTP proxy"}, imapclient.ClassTransient},
		{"an endless line", http, connect + "S-raw: \"HTTP/1.1 200 \"\n" + strings.Repeat("S-raw: \""+strings.Repeat("x", 32<<10)+"\"\n", 2) + "C-close", []string{"longer than 65536 bytes"}, imapclient.ClassTransient},
		{"an endless header", http, connect + "S: HTTP/1.1 200 OK\n" + strings.Repeat("S-raw: \""+strings.Repeat("X-Y: z\\r\\n", 4<<10)+"\"\n", 2) + "C-close", []string{"longer than 65536 bytes"}, imapclient.ClassTransient},
		{"endless interim answers", http, connect + "S-raw: \"" + strings.Repeat("HTTP/1.1 103 Early Hints\\r\\n\\r\\n", 5) + "\"\nC-close", []string{"does not come to an answer"}, imapclient.ClassTransient},
		{"silence", http, connect + "wait 29500ms\nC-close", []string{"no answer for 30s"}, imapclient.ClassTransient},
		{"a byte now and then", http, connect + strings.Repeat("S-raw: \"H\"\nwait 9s\n", 3) + "wait 2500ms\nC-close", []string{"no answer for 30s"}, imapclient.ClassTransient},
		{"does not even read", http, "stall 40s", []string{"no answer for 30s"}, imapclient.ClassTransient},

		{"SOCKS5", s5, socks + "S-raw: \"\\x05\\x00\"\n" + socksTarget + "S-raw: \"\\x05\\x00\\x00\\x01\\x7f\\x00\\x00\\x01\\x00\\x50\"\n" + greeting, nil, 0},
		{"SOCKS5, bound to a name", s5, socks + "S-raw: \"\\x05\\x00\"\n" + socksTarget + "S-raw: \"\\x05\\x00\\x00\\x03\\x01a\\x00\\x50\"\n" + greeting, nil, 0},
		{"SOCKS5, the server speaks in the same packet", s5, socks + "S-raw: \"\\x05\\x00\"\n" + socksTarget + "S-raw: \"\\x05\\x00\\x00\\x01\\x7f\\x00\\x00\\x01\\x00\\x50* OK hello\\r\\n\"", nil, 0},
		{"SOCKS5 with a user", s5U, socksAs + "S-raw: \"\\x05\\x02\"\n" + socksUser + "S-raw: \"\\x01\\x00\"\n" + socksTarget + "S-raw: \"\\x05\\x00\\x00\\x01\\x7f\\x00\\x00\\x01\\x00\\x50\"\n" + greeting, nil, 0},
		{"SOCKS5 that does not want the user", s5U, socksAs + "S-raw: \"\\x05\\x00\"\n" + socksTarget + "S-raw: \"\\x05\\x00\\x00\\x01\\x7f\\x00\\x00\\x01\\x00\\x50\"\n" + greeting, nil, 0},
		{"SOCKS5 that wants a user", s5, socks + "S-raw: \"\\x05\\xff\"\nC-close", []string{"proxy socks5://proxy.example:1080", "no acceptable authentication", "socks5://USER:PASSWORD@"}, imapclient.ClassConfig},
		{"SOCKS5 that refuses the user", s5U, socksAs + "S-raw: \"\\x05\\x02\"\n" + socksUser + "S-raw: \"\\x01\\x01\"\nC-close", []string{"authentication failed", "check user and password"}, imapclient.ClassConfig},
		{"SOCKS5, not allowed", s5, socks + "S-raw: \"\\x05\\x00\"\n" + socksTarget + "S-raw: \"\\x05\\x02\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\"\nC-close", []string{"not allowed by ruleset"}, imapclient.ClassConfig},
		{"SOCKS5, host unreachable", s5, socks + "S-raw: \"\\x05\\x00\"\n" + socksTarget + "S-raw: \"\\x05\\x04\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\"\nC-close", []string{"cannot connect to the mail server", "host unreachable"}, imapclient.ClassTransient},
		{"SOCKS5, unknown reply", s5, socks + "S-raw: \"\\x05\\x00\"\n" + socksTarget + "S-raw: \"\\x05\\x63\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\"\nC-close", []string{"cannot connect to the mail server"}, imapclient.ClassTransient},
		{"SOCKS5 that is an HTTP proxy", s5, socks + "S: HTTP/1.1 400 Bad Request\nC-close", []string{"does not answer like a SOCKS5 proxy", "http://"}, imapclient.ClassTransient},
		{"SOCKS5, silence", s5, socks + "wait 29500ms\nC-close", []string{"no answer for 30s"}, imapclient.ClassTransient},
		{"SOCKS5, half an answer", s5, socks + "S-raw: \"\\x05\\x00\"\n" + socksTarget + "S-raw: \"\\x05\\x00\\x00\"\nwait 29500ms\nC-close", []string{"no answer for 30s"}, imapclient.ClassTransient},
		{"SOCKS5, hangs up", s5, socks + "close", []string{"EOF"}, imapclient.ClassTransient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			imaptest.Transcript(t, tt.script, func(t *testing.T, nc net.Conn) {
				var log strings.Builder
				o := plain()
				o.Proxy, o.Trace = mustProxy(t, tt.proxy), &imapclient.Trace{W: &log}
				o.DialContext = func(context.Context, string, string) (net.Conn, error) { return nc, nil }
				c, err := imapclient.Dial(t.Context(), o)
				wantNoSecret(t, "the trace", log.String())
				if len(tt.want) == 0 {
					if err != nil {
						t.Error(err)
					} else {
						c.Close()
					}
					return
				}
				var dial *imapclient.DialError
				if !errors.As(err, &dial) || dial.Stage != "proxy" {
					t.Errorf("error %v, want a DialError of the proxy", err)
					return
				}
				for _, want := range tt.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %v, want one with %q", err, want)
					}
				}
				if strings.ContainsRune(err.Error(), '\x1b') {
					t.Errorf("the error has control characters: %q", err)
				}
				if class := imapclient.Classify(err).Class; class != tt.class {
					t.Errorf("class %v, want %v", class, tt.class)
				}
				wantNoSecret(t, "the error", fmt.Sprintf("%v %+v %#v", err, err, err))
			})
		})
	}
}

// Real sockets, a real tunnel, TLS inside, for each kind of proxy: the name goes to the proxy as it is.
func TestTLSThroughProxies(t *testing.T) {
	ca := newAuthority(t, "test CA")
	s := listening(t, nil)
	for _, scheme := range []string{"socks5", "http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			p := startProxy(t, scheme, s.Addr().String(), certify(t, ca, nil))
			o := &imapclient.Options{Addr: "mail.nowhere.invalid", Proxy: mustProxy(t, scheme+"://"+proxyInfo+p.addr), TLSConfig: s.TLSConfig()}
			o.Proxy.TLSConfig = ca.config()
			c, err := imapclient.Dial(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Login(t.Context(), "jo", "secret"); err != nil {
				t.Error(err)
			}
			if asked := p.asked.Load(); asked == nil || *asked != "mail.nowhere.invalid:993" {
				t.Errorf("the proxy was asked for %v", asked)
			}
		})
	}
	t.Run("https with an unknown certificate", func(t *testing.T) {
		p := startProxy(t, "https", s.Addr().String(), certify(t, ca, nil))
		_, err := imapclient.Dial(t.Context(), &imapclient.Options{Addr: "h", Proxy: mustProxy(t, "https://"+proxyInfo+p.addr), TLSConfig: s.TLSConfig()})
		var cert *imapclient.CertificateError
		if !errors.As(err, &cert) || cert.Addr != p.addr || !strings.HasPrefix(err.Error(), "proxy https://") {
			t.Errorf("error %v, want a CertificateError of the proxy", err)
		}
		wantNoSecret(t, "the error", fmt.Sprintf("%v %+v", err, err))
		if p.asked.Load() != nil {
			t.Error("the proxy was told user and password")
		}
	})
}

func TestProxyThatIsNotThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = imapclient.Dial(t.Context(), &imapclient.Options{Addr: "mail.example.org", Proxy: mustProxy(t, "socks5://"+proxyInfo+l.Addr().String())})
	var dial *imapclient.DialError
	if !errors.As(err, &dial) || dial.Stage != "proxy" || dial.Addr != "socks5://"+l.Addr().String() || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error %v", err)
	}
	wantNoSecret(t, "the error", err.Error())
}

func TestProxyFromEnvironment(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  map[string]string
		addr string
		want string // what is dialled, or the error
	}{
		{"none", nil, "mail.example.org", "mail.example.org:993"},
		{"ALL_PROXY", map[string]string{"ALL_PROXY": "socks5://" + proxyInfo + "proxy.example"}, "mail.example.org", "proxy.example:1080"},
		{"HTTPS_PROXY", map[string]string{"HTTPS_PROXY": "http://" + proxyInfo + "proxy.example:3128"}, "mail.example.org", "proxy.example:3128"},
		{"ALL_PROXY before HTTPS_PROXY", map[string]string{"ALL_PROXY": "socks5://a", "HTTPS_PROXY": "http://b"}, "mail.example.org", "a:1080"},
		{"lower case first", map[string]string{"all_proxy": "socks5://a", "ALL_PROXY": "socks5://b"}, "mail.example.org", "a:1080"},
		{"without a scheme", map[string]string{"HTTPS_PROXY": "proxy.example:3128"}, "mail.example.org", "proxy.example:3128"},
		{"HTTP_PROXY is not for mail", map[string]string{"HTTP_PROXY": "http://b"}, "mail.example.org", "mail.example.org:993"},
		{"NO_PROXY", map[string]string{"ALL_PROXY": "socks5://a", "NO_PROXY": "example.com, .example.org"}, "mail.example.org", "mail.example.org:993"},
		{"NO_PROXY with another port", map[string]string{"ALL_PROXY": "socks5://a", "NO_PROXY": "mail.example.org:143"}, "mail.example.org", "a:1080"},
		{"NO_PROXY with the port", map[string]string{"ALL_PROXY": "socks5://a", "NO_PROXY": "mail.example.org:993"}, "mail.example.org", "mail.example.org:993"},
		{"NO_PROXY for a network", map[string]string{"ALL_PROXY": "socks5://a", "NO_PROXY": "192.0.2.0/24"}, "192.0.2.7", "192.0.2.7:993"},
		{"NO_PROXY for all", map[string]string{"ALL_PROXY": "socks5://a", "NO_PROXY": "*"}, "mail.example.org", "mail.example.org:993"},
		{"this machine", map[string]string{"ALL_PROXY": "socks5://a"}, "127.0.0.1", "127.0.0.1:993"},
		{"nonsense", map[string]string{"ALL_PROXY": "socks5://" + proxyInfo + "h:port"}, "mail.example.org", "ALL_PROXY: not a valid proxy URL"},
		{"nonsense, but not for this host", map[string]string{"ALL_PROXY": "gopher://x", "NO_PROXY": "*"}, "mail.example.org", "mail.example.org:993"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"all_proxy", "https_proxy", "http_proxy", "no_proxy"} {
				t.Setenv(name, tt.env[name])
				t.Setenv(strings.ToUpper(name), tt.env[strings.ToUpper(name)])
			}
			var dialled string
			o := &imapclient.Options{Addr: tt.addr, Proxy: imapclient.ProxyFromEnvironment()}
			o.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
				dialled = addr
				return nil, errors.New("not in this test")
			}
			_, err := imapclient.Dial(t.Context(), o)
			if dialled != tt.want && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("dialled %q, error %v; want %q", dialled, err, tt.want)
			}
			wantNoSecret(t, "the error", err.Error())
			// Without having asked for it nobody is led through a proxy.
			o.Proxy = nil
			if _, err := imapclient.Dial(t.Context(), o); dialled != (tt.addr + ":993") {
				t.Errorf("without Proxy %q was dialled: %v", dialled, err)
			}
		})
	}
}

// testProxy is a proxy that leads all who know its user and password to one server.
type testProxy struct {
	addr   string
	target string
	asked  atomic.Pointer[string]
}

func startProxy(t *testing.T, scheme, target string, cert tls.Certificate) *testProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &testProxy{addr: l.Addr().String(), target: target}
	serve := p.connect
	switch scheme {
	case "socks5":
		serve = p.socks
	case "https":
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer nc.Close()
				_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
				if serve(nc) == nil {
					p.tunnel(nc)
				}
			})
		}
	})
	return p
}

// tunnel copies until one of the two ends.
func (p *testProxy) tunnel(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(server, client)
		server.Close()
	}()
	_, _ = io.Copy(client, server)
	client.Close()
	<-done
}

func (p *testProxy) connect(nc net.Conn) error {
	r, err := http.ReadRequest(bufio.NewReader(nc))
	if err != nil {
		return err
	}
	p.asked.Store(&r.Host)
	r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
	if user, password, ok := r.BasicAuth(); !ok || user != proxyUser || password != proxyPassword {
		_, _ = io.WriteString(nc, "HTTP/1.1 407 Who are you\r\n\r\n")
		return errors.New("unknown user")
	}
	_, err = io.WriteString(nc, "HTTP/1.1 200 OK\r\n\r\n")
	return err
}

func (p *testProxy) socks(nc net.Conn) error {
	hello := "\x05\x02\x00\x02"
	login := "\x01\x07" + proxyUser + "\x0d" + proxyPassword
	if err := expect(nc, hello); err != nil {
		return err
	}
	_, _ = io.WriteString(nc, "\x05\x02")
	if err := expect(nc, login); err != nil {
		return err
	}
	_, _ = io.WriteString(nc, "\x01\x00")
	head := make([]byte, 5)
	if _, err := io.ReadFull(nc, head); err != nil {
		return err
	}
	rest := make([]byte, int(head[4])+2)
	if _, err := io.ReadFull(nc, rest); err != nil {
		return err
	}
	n := len(rest) - 2
	asked := fmt.Sprintf("%s:%d", rest[:n], int(rest[n])<<8|int(rest[n+1]))
	p.asked.Store(&asked)
	_, err := io.WriteString(nc, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
	return err
}

func expect(r io.Reader, want string) error {
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil {
		return err
	}
	if string(got) != want {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	return nil
}
