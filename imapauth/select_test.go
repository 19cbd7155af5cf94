package imapauth_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
)

// credentials reads words: "password", "token", "certificate", "anonymous", "identity",
// "umlaut" (a password that is not ASCII), "cleartext" (allowed), "=MECHANISM", "-MECHANISM" (forbidden).
func credentials(words string) *imapauth.Credentials {
	c := &imapauth.Credentials{Username: "jo"}
	for word := range strings.FieldsSeq(words) {
		switch word {
		case "password":
			c.Password = imapauth.NewSecret("pass")
		case "token":
			c.Tokens = imapauth.StaticToken(imapauth.NewSecret("tok"))
		case "certificate":
			c.External = true
		case "anonymous":
			c.Anonymous, c.Trace = true, "trace"
		case "identity":
			c.Identity = "ann"
		case "umlaut":
			c.Password = imapauth.NewSecret("pässwörd")
		case "cleartext":
			c.AllowCleartext = true
		default:
			if name, ok := strings.CutPrefix(word, "-"); ok {
				c.Forbidden = append(c.Forbidden, imapauth.Mechanism(name))
			} else {
				c.Mechanisms = append(c.Mechanisms, imapauth.Mechanism(strings.TrimPrefix(word, "=")))
			}
		}
	}
	return c
}

// secure is a TLS connection that cannot be bound to.
var secure = &tls.ConnectionState{Version: tls.VersionTLS13}

func names(ways []imapauth.Way) string {
	var all []string
	for _, w := range ways {
		all = append(all, string(w.Mechanism))
	}
	return strings.Join(all, " ")
}

func TestSelectOnTLS(t *testing.T) {
	for _, c := range []struct{ caps, cred, want string }{
		{"AUTH=PLAIN AUTH=LOGIN", "password", "PLAIN LOGIN command LOGIN"},
		{"auth=plain LOGINDISABLED", "password", "PLAIN"},
		{"AUTH=LOGIN", "umlaut", "LOGIN LOGIN command"},
		{"", "password", "LOGIN command"},
		{"AUTH=GSSAPI AUTH=NTLM AUTH=DIGEST-MD5", "password", "LOGIN command"},
		{"LOGINDISABLED", "password", ""},
		// By strength; CRAM-MD5 is worth nothing on TLS.
		{
			"AUTH=PLAIN AUTH=CRAM-MD5 AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-512 AUTH=SCRAM-SHA-256 LOGINDISABLED", "password",
			"SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN CRAM-MD5",
		},
		// The connection cannot be bound to.
		{"AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 LOGINDISABLED", "password", "SCRAM-SHA-256"},
		{"AUTH=SCRAM-SHA-256-PLUS LOGINDISABLED", "password", ""},
		// Gmail and Outlook.
		{"AUTH=XOAUTH2 AUTH=PLAIN AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER LOGINDISABLED", "password", "PLAIN"},
		{"AUTH=XOAUTH2 AUTH=PLAIN AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER", "token", "OAUTHBEARER XOAUTH2"},
		{"AUTH=PLAIN AUTH=XOAUTH2", "token", "XOAUTH2"},
		{"AUTH=PLAIN AUTH=XOAUTH2 LOGINDISABLED", "token password", "XOAUTH2 PLAIN"},
		// No OAuth without a token, and a token does not go where a password belongs.
		{"AUTH=XOAUTH2 LOGINDISABLED", "password", ""},
		{"AUTH=PLAIN", "token", ""},
		// A certificate before all; nobody after all.
		{"AUTH=PLAIN AUTH=EXTERNAL LOGINDISABLED", "password certificate", "EXTERNAL PLAIN"},
		{"AUTH=PLAIN AUTH=EXTERNAL LOGINDISABLED", "password", "PLAIN"},
		{"AUTH=PLAIN AUTH=ANONYMOUS LOGINDISABLED", "password anonymous", "PLAIN ANONYMOUS"},
		{"AUTH=ANONYMOUS", "anonymous", "ANONYMOUS"},
		{"AUTH=ANONYMOUS", "", ""},
		// Only some can say that another's mailbox is meant.
		{"AUTH=LOGIN AUTH=PLAIN AUTH=CRAM-MD5 AUTH=SCRAM-SHA-1", "password identity", "SCRAM-SHA-1 PLAIN"},
		{"AUTH=LOGIN AUTH=CRAM-MD5", "password identity", ""},
		{"AUTH=XOAUTH2", "token identity", "XOAUTH2"},
		// A choice is a choice, also of the order; what is forbidden stays so.
		{"AUTH=PLAIN AUTH=LOGIN AUTH=SCRAM-SHA-1", "password =LOGIN =PLAIN =LOGIN", "LOGIN PLAIN"},
		{"AUTH=XOAUTH2 AUTH=OAUTHBEARER", "token =XOAUTH2 =OAUTHBEARER", "XOAUTH2 OAUTHBEARER"},
		{"AUTH=PLAIN", "password =OAUTHBEARER", ""},
		{"AUTH=PLAIN AUTH=SCRAM-SHA-1 LOGINDISABLED", "password -SCRAM-SHA-1", "PLAIN"},
		{"AUTH=PLAIN LOGINDISABLED", "password =PLAIN -PLAIN", ""},
		{"AUTH=GSSAPI", "password =GSSAPI", ""},
	} {
		ways, err := imapauth.Select(imapauth.Peer{Capabilities: imap.ParseCapabilities(c.caps), TLS: secure}, credentials(c.cred))
		if got := names(ways); got != c.want {
			t.Errorf("%s with %s: %q, want %q", c.caps, c.cred, got, c.want)
		}
		if _, typed := errors.AsType[*imapauth.NoMechanismError](err); typed != (c.want == "") {
			t.Errorf("%s with %s: error %v", c.caps, c.cred, err)
		}
	}
}

func TestSelectWithoutTLSShowsNoSecret(t *testing.T) {
	const all = "AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5 AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-1-PLUS AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=EXTERNAL AUTH=ANONYMOUS"
	for _, c := range []struct{ caps, cred, want string }{
		{all, "password", "SCRAM-SHA-1 CRAM-MD5"},
		{all, "password token certificate anonymous", "EXTERNAL SCRAM-SHA-1 CRAM-MD5 ANONYMOUS"},
		{all, "token", ""},
		{"AUTH=PLAIN AUTH=LOGIN", "password", ""},
		{"AUTH=PLAIN AUTH=LOGIN", "password =PLAIN", "PLAIN"},
		{"AUTH=XOAUTH2", "token =XOAUTH2", "XOAUTH2"},
		{all, "password cleartext", "SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN command LOGIN"},
	} {
		ways, err := imapauth.Select(imapauth.Peer{Capabilities: imap.ParseCapabilities(c.caps)}, credentials(c.cred))
		if got := names(ways); got != c.want {
			t.Errorf("%s with %s: %q, want %q", c.caps, c.cred, got, c.want)
		}
		if none, ok := errors.AsType[*imapauth.NoMechanismError](err); ok && (len(none.Exposed) == 0 || !strings.Contains(err.Error(), "use TLS")) {
			t.Errorf("%s with %s: the error does not say that TLS would help: %v", c.caps, c.cred, err)
		}
	}
}

func TestNoMechanismError(t *testing.T) {
	for _, c := range []struct{ caps, cred, want string }{
		{
			"IMAP4rev1 AUTH=GSSAPI AUTH=NTLM LOGINDISABLED", "password -SCRAM-SHA-512 -SCRAM-SHA-256 -SCRAM-SHA-1",
			"no way to log in: the server offers GSSAPI, NTLM; with these credentials we can do PLAIN, LOGIN command, LOGIN, CRAM-MD5",
		},
		{
			"IMAP4rev1 AUTH=PLAIN", "token",
			"no way to log in: the server offers PLAIN, LOGIN command; with these credentials we can do OAUTHBEARER, XOAUTH2",
		},
		{
			"IMAP4rev1 STARTTLS LOGINDISABLED", "",
			"no way to log in: the server offers nothing; with these credentials we can do nothing (a server that offers nothing wants TLS first)",
		},
		{
			"IMAP4rev1 AUTH=\x1b[31m LOGINDISABLED", "certificate",
			"no way to log in: the server offers ?[31M; with these credentials we can do EXTERNAL",
		},
	} {
		_, err := imapauth.Select(imapauth.Peer{Capabilities: imap.ParseCapabilities(c.caps), TLS: secure}, credentials(c.cred))
		if err == nil || err.Error() != c.want {
			t.Errorf("%q with %s:\n got %v\nwant %s", c.caps, c.cred, err, c.want)
		}
	}
}

// way returns the only way to log in with m.
func way(t *testing.T, c *imapauth.Credentials, m imapauth.Mechanism) imapauth.Way {
	t.Helper()
	only := *c
	only.Mechanisms = []imapauth.Mechanism{m}
	ways, err := imapauth.Select(imapauth.Peer{Capabilities: imap.Capabilities{imap.Capability("AUTH=" + m)}, TLS: secure}, &only)
	if err != nil || len(ways) != 1 {
		t.Fatalf("%s: %v, %v", m, ways, err)
	}
	return ways[0]
}

func TestClientOfCredentials(t *testing.T) {
	for m, want := range map[imapauth.Mechanism]string{
		imapauth.EXTERNAL:    "EXTERNAL|ann",
		imapauth.OAUTHBEARER: "OAUTHBEARER|n,a=ann,\x01host=h\x01port=993\x01auth=Bearer tok\x01\x01",
		imapauth.XOAUTH2:     "XOAUTH2|user=ann\x01auth=Bearer tok\x01\x01",
		imapauth.SCRAMSHA1:   "SCRAM-SHA-1|n,a=ann,n=jo,r=…",
		imapauth.PLAIN:       "PLAIN|ann\x00jo\x00pass",
		imapauth.ANONYMOUS:   "ANONYMOUS|trace",
	} {
		c := credentials("password token certificate anonymous identity")
		c.Host, c.Port = "h", 993
		client, err := way(t, c, m).Client(context.Background())
		if err != nil {
			t.Errorf("%s: %v", m, err)
			continue
		}
		said, err := talk(client)
		got := strings.Join(said, "|")
		if i := strings.Index(got, ",r="); i >= 0 {
			got = got[:i] + ",r=…"
		}
		if got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", m, got, err, want)
		}
	}
	for m, want := range map[imapauth.Mechanism]string{imapauth.LOGIN: "LOGIN|(none)", imapauth.CRAMMD5: "CRAM-MD5|(none)"} {
		client, err := way(t, credentials("password"), m).Client(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if said, err := talk(client); strings.Join(said, "|") != want || err != nil {
			t.Errorf("%s: %q, %v", m, said, err)
		}
	}
	if client, err := way(t, credentials("password"), imapauth.LoginCommand).Client(context.Background()); client != nil || err != nil {
		t.Errorf("the LOGIN command is a mechanism: %v, %v", client, err)
	}
}

func TestTokensAreAskedFor(t *testing.T) {
	type key struct{}
	var asked []bool
	down := errors.New("identity provider is down")
	c := &imapauth.Credentials{Username: "jo", Tokens: imapauth.TokenFunc(func(ctx context.Context, force bool) (string, error) {
		if ctx.Value(key{}) == nil {
			t.Error("another context")
		}
		asked = append(asked, force)
		switch len(asked) {
		case 3:
			return "tok2", nil
		case 4:
			return "", down
		}
		return fmt.Sprintf("tok%d", len(asked)), nil
	})}
	ctx := context.WithValue(context.Background(), key{}, true)
	w := way(t, c, imapauth.XOAUTH2)
	first, err := w.Client(ctx)
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.Renew(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	for i, client := range []sasl.Client{first, second} {
		if said, _ := talk(client); !strings.Contains(said[1], fmt.Sprintf("Bearer tok%d\x01", i+1)) {
			t.Errorf("login %d: %q", i, said)
		}
	}
	if _, err := w.Renew(ctx, second); !errors.Is(err, imapauth.ErrStaticToken) {
		t.Errorf("the same token again: %v", err)
	}
	if _, err := w.Client(ctx); !errors.Is(err, down) || !strings.Contains(err.Error(), "jo") || !errors.As(err, new(*imapauth.TokenError)) {
		t.Errorf("%v", err)
	}
	if want := []bool{false, true, true, false}; !reflect.DeepEqual(asked, want) {
		t.Errorf("asked with force %v, want %v", asked, want)
	}
}

func TestWhatAServerTookIsRemembered(t *testing.T) {
	cred := credentials("password")
	cred.Memory = &imapauth.Memory{}
	offer := func(caps string, state *tls.ConnectionState) []imapauth.Way {
		ways, err := imapauth.Select(imapauth.Peer{Capabilities: imap.ParseCapabilities(caps), TLS: state}, cred)
		if err != nil {
			t.Fatal(err)
		}
		return ways
	}
	const caps, sorted, first = "AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1 AUTH=PLAIN LOGINDISABLED", "AUTH=PLAIN AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-256 LOGINDISABLED", "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN"
	ways := offer(caps, secure)
	ways[2].Remember()
	for _, c := range []struct {
		name, caps string
		tls        *tls.ConnectionState
		want       string
	}{
		{"the same", caps, secure, "PLAIN SCRAM-SHA-256 SCRAM-SHA-1"},
		{"the same in another order", sorted, secure, "PLAIN SCRAM-SHA-256 SCRAM-SHA-1"},
		{"more", caps + " AUTH=XOAUTH2", secure, first},
		{"LOGIN too", "AUTH=SCRAM-SHA-256 AUTH=PLAIN", secure, "SCRAM-SHA-256 PLAIN LOGIN command"},
		{"without TLS", caps, nil, "SCRAM-SHA-256 SCRAM-SHA-1"},
	} {
		if got := names(offer(c.caps, c.tls)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	ways[2].Forget()
	if got := names(offer(caps, secure)); got != first {
		t.Errorf("forgotten: %s, want %s", got, first)
	}
}

func ExampleSelect() {
	cred := &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret("hunter2!")}
	for _, offer := range []string{"IMAP4rev1 AUTH=PLAIN AUTH=SCRAM-SHA-256", "IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED"} {
		server := imapauth.Peer{Capabilities: imap.ParseCapabilities(offer), TLS: &tls.ConnectionState{}}
		ways, err := imapauth.Select(server, cred)
		fmt.Println(ways, err)
	}
	// Output:
	// [SCRAM-SHA-256 PLAIN LOGIN command] <nil>
	// [] no way to log in: the server offers XOAUTH2; with these credentials we can do SCRAM-SHA-512, SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, LOGIN command, LOGIN, CRAM-MD5
}

func ExampleSecret() {
	password := imapauth.NewSecret("hunter2!")
	fmt.Printf("%v %+v %q\n", password, struct{ P imapauth.Secret }{password}, password)
	// Output: *** {P:***} ***
}
