package imapauth_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapauth"
)

// credentials reads words: "password", "token", "certificate", "anonymous", "identity", "=MECHANISM".
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
		default:
			c.Mechanisms = append(c.Mechanisms, imapauth.Mechanism(strings.TrimPrefix(word, "=")))
		}
	}
	return c
}

func TestSelect(t *testing.T) {
	for _, c := range []struct {
		caps, cred string
		want       imapauth.Mechanism // "" for none
	}{
		{"IMAP4rev1 AUTH=PLAIN AUTH=LOGIN", "password", imapauth.PLAIN},
		{"IMAP4rev1 auth=plain", "password", imapauth.PLAIN},
		{"IMAP4rev1 AUTH=LOGIN", "password", imapauth.LOGIN},
		{"IMAP4rev1", "password", imapauth.LoginCommand},
		{"IMAP4rev1 AUTH=GSSAPI", "password", imapauth.LoginCommand},
		{"IMAP4rev1 LOGINDISABLED", "password", ""},
		{"IMAP4rev1 LOGINDISABLED AUTH=PLAIN", "password", imapauth.PLAIN},
		// Gmail and Outlook.
		{"IMAP4rev1 AUTH=XOAUTH2 AUTH=PLAIN AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER", "password", imapauth.PLAIN},
		{"IMAP4rev1 AUTH=XOAUTH2 AUTH=PLAIN AUTH=PLAIN-CLIENTTOKEN AUTH=OAUTHBEARER", "token", imapauth.OAUTHBEARER},
		{"IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2", "token", imapauth.XOAUTH2},
		{"IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2", "token password", imapauth.XOAUTH2},
		// No OAuth without a token, and a token does not go where a password belongs.
		{"IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED", "password", ""},
		{"IMAP4rev1 AUTH=PLAIN", "token", ""},
		{"IMAP4rev1 AUTH=PLAIN", "token password", imapauth.PLAIN},
		// A certificate before all; nobody after all.
		{"IMAP4rev1 AUTH=PLAIN AUTH=EXTERNAL", "password certificate", imapauth.EXTERNAL},
		{"IMAP4rev1 AUTH=PLAIN AUTH=EXTERNAL", "password", imapauth.PLAIN},
		{"IMAP4rev1 AUTH=PLAIN AUTH=ANONYMOUS", "password anonymous", imapauth.PLAIN},
		{"IMAP4rev1 AUTH=PLAIN AUTH=ANONYMOUS", "anonymous", imapauth.ANONYMOUS},
		{"IMAP4rev1 AUTH=ANONYMOUS", "", ""},
		// Only some can say that another's mailbox is meant.
		{"IMAP4rev1 AUTH=LOGIN AUTH=PLAIN", "password identity", imapauth.PLAIN},
		{"IMAP4rev1 AUTH=LOGIN", "password identity", ""},
		{"IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER", "token identity", imapauth.OAUTHBEARER},
		{"IMAP4rev1 AUTH=XOAUTH2", "token identity", ""},
		// A choice is a choice, also of the order.
		{"IMAP4rev1 AUTH=PLAIN AUTH=LOGIN", "password =LOGIN", imapauth.LOGIN},
		{"IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER", "token =XOAUTH2 =OAUTHBEARER", imapauth.XOAUTH2},
		{"IMAP4rev1 AUTH=PLAIN", "password =OAUTHBEARER", ""},
		{"IMAP4rev1 AUTH=SCRAM-SHA-256", "password =SCRAM-SHA-256", ""},
	} {
		got, err := imapauth.Select(imap.ParseCapabilities(c.caps), credentials(c.cred))
		if got != c.want {
			t.Errorf("%s with %s: %q, want %q", c.caps, c.cred, got, c.want)
		}
		if _, typed := errors.AsType[*imapauth.NoMechanismError](err); typed != (c.want == "") {
			t.Errorf("%s with %s: error %v", c.caps, c.cred, err)
		}
	}
}

func TestNoMechanismError(t *testing.T) {
	for _, c := range []struct{ caps, cred, want string }{
		{
			"IMAP4rev1 AUTH=GSSAPI AUTH=NTLM LOGINDISABLED", "password",
			"no way to log in: the server offers GSSAPI, NTLM; with these credentials we can do PLAIN, LOGIN, LOGIN command",
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
		_, err := imapauth.Select(imap.ParseCapabilities(c.caps), credentials(c.cred))
		if err == nil || err.Error() != c.want {
			t.Errorf("%q with %s:\n got %v\nwant %s", c.caps, c.cred, err, c.want)
		}
	}
}

func TestClientOfCredentials(t *testing.T) {
	for m, want := range map[imapauth.Mechanism]string{
		imapauth.EXTERNAL:    "EXTERNAL|ann",
		imapauth.OAUTHBEARER: "OAUTHBEARER|n,a=ann,\x01host=h\x01port=993\x01auth=Bearer tok\x01\x01",
		imapauth.XOAUTH2:     "XOAUTH2|user=jo\x01auth=Bearer tok\x01\x01",
		imapauth.PLAIN:       "PLAIN|ann\x00jo\x00pass",
		imapauth.LOGIN:       "LOGIN|(none)",
		imapauth.ANONYMOUS:   "ANONYMOUS|trace",
	} {
		c := credentials("password token certificate anonymous identity")
		c.Host, c.Port = "h", 993
		client, err := c.Client(context.Background(), m, false)
		if err != nil {
			t.Errorf("%s: %v", m, err)
			continue
		}
		said, err := talk(client)
		if got := strings.Join(said, "|"); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", m, got, err, want)
		}
	}
	c := credentials("password")
	if client, err := c.Client(context.Background(), imapauth.LoginCommand, false); client != nil || err != nil {
		t.Errorf("the LOGIN command is a mechanism: %v, %v", client, err)
	}
	for _, m := range []imapauth.Mechanism{imapauth.XOAUTH2, imapauth.OAUTHBEARER, "SCRAM-SHA-1", ""} {
		if client, err := c.Client(context.Background(), m, false); client != nil || err == nil {
			t.Errorf("%q without what it needs: %v, %v", m, client, err)
		}
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
		if len(asked) == 3 {
			return "", down
		}
		return fmt.Sprintf("tok%d", len(asked)), nil
	})}
	ctx := context.WithValue(context.Background(), key{}, true)
	for i, force := range []bool{false, true} {
		client, err := c.Client(ctx, imapauth.XOAUTH2, force)
		if err != nil {
			t.Fatal(err)
		}
		if said, _ := talk(client); !strings.Contains(said[1], fmt.Sprintf("Bearer tok%d\x01", i+1)) {
			t.Errorf("login %d: %q", i, said)
		}
	}
	if _, err := c.Client(ctx, imapauth.XOAUTH2, false); !errors.Is(err, down) || !strings.Contains(err.Error(), "jo") {
		t.Errorf("%v", err)
	}
	if want := []bool{false, true, false}; !reflect.DeepEqual(asked, want) {
		t.Errorf("asked with force %v, want %v", asked, want)
	}
}

func ExampleSelect() {
	cred := &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret("hunter2!")}
	for _, offer := range []string{"IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED"} {
		fmt.Println(imapauth.Select(imap.ParseCapabilities(offer), cred))
	}
	// Output:
	// PLAIN <nil>
	//  no way to log in: the server offers XOAUTH2; with these credentials we can do PLAIN, LOGIN, LOGIN command
}

func ExampleSecret() {
	password := imapauth.NewSecret("hunter2!")
	fmt.Printf("%v %+v %q\n", password, struct{ P imapauth.Secret }{password}, password)
	// Output: *** {P:***} ***
}
