package imapauth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imapauth"
)

// talk runs a login and returns all that the client said, and the error that ended it. "(none)"
// stands for no initial response.
func talk(c sasl.Client, challenges ...string) (said []string, err error) {
	name, ir, err := c.Start()
	if err != nil {
		return nil, err
	}
	said = append(said, name)
	if ir == nil {
		said = append(said, "(none)")
	} else {
		said = append(said, string(ir))
	}
	for _, challenge := range challenges {
		reply, err := c.Next([]byte(challenge))
		if err != nil {
			return said, err
		}
		said = append(said, string(reply))
	}
	return said, nil
}

func TestMechanisms(t *testing.T) {
	secret := imapauth.NewSecret("pa55")
	for _, c := range []struct {
		name       string
		client     sasl.Client
		challenges []string
		want       string // separated by "|"
		fails      bool
	}{
		{"PLAIN", imapauth.Plain("", "jo", secret), nil, "PLAIN|\x00jo\x00pa55", false},
		{"PLAIN for another", imapauth.Plain("ann", "jo", secret), nil, "PLAIN|ann\x00jo\x00pa55", false},
		{"PLAIN with a challenge", imapauth.Plain("", "jo", secret), []string{"?"}, "PLAIN|\x00jo\x00pa55", true},
		{"PLAIN with a NUL", imapauth.Plain("", "jo\x00", secret), nil, "", true},
		{"LOGIN", imapauth.Login("jo", secret), []string{"Username:", "Password:"}, "LOGIN|(none)|jo|pa55", false},
		{"LOGIN as Exchange asks", imapauth.Login("jo", secret), []string{"User Name\x00", "Password\x00"}, "LOGIN|(none)|jo|pa55", false},
		{"LOGIN without prompts", imapauth.Login("jo", secret), []string{"", ""}, "LOGIN|(none)|jo|pa55", false},
		{"LOGIN asked three times", imapauth.Login("jo", secret), []string{"", "", ""}, "LOGIN|(none)|jo|pa55", true},
		{"LOGIN with a NUL", imapauth.Login("jo", imapauth.NewSecret("a\x00")), nil, "", true},
		// RFC 2195 section 2.
		{
			"CRAM-MD5", imapauth.CRAMMD5Client("tim", imapauth.NewSecret("tanstaaftanstaaf")),
			[]string{"<1896.697170952@postoffice.reston.mci.net>"},
			"CRAM-MD5|(none)|tim b913a602c7eda7a495b4e6e7334d3890", false,
		},
		{"CRAM-MD5 without a challenge", imapauth.CRAMMD5Client("jo", secret), []string{""}, "CRAM-MD5|(none)", true},
		{"CRAM-MD5 asked twice", imapauth.CRAMMD5Client("jo", secret), []string{"a", "b"}, "CRAM-MD5|(none)|jo 4e7427e63a0929a96a181d2dd8b023c8", true},
		{"CRAM-MD5 with a NUL", imapauth.CRAMMD5Client("jo\x00", secret), nil, "", true},
		{"EXTERNAL", imapauth.External(""), nil, "EXTERNAL|", false},
		{"EXTERNAL for another", imapauth.External("ann"), nil, "EXTERNAL|ann", false},
		{"ANONYMOUS", imapauth.Anonymous("jo@example.org"), nil, "ANONYMOUS|jo@example.org", false},
		{"XOAUTH2", imapauth.XOAuth2("jo@example.org", secret), nil, "XOAUTH2|user=jo@example.org\x01auth=Bearer pa55\x01\x01", false},
		{"XOAUTH2 refused", imapauth.XOAuth2("jo", secret), []string{"{}"}, "XOAUTH2|user=jo\x01auth=Bearer pa55\x01\x01|", false},
		{"XOAUTH2 refused twice", imapauth.XOAuth2("jo", secret), []string{"{}", "{}"}, "XOAUTH2|user=jo\x01auth=Bearer pa55\x01\x01|", true},
		{"XOAUTH2 with a field in the name", imapauth.XOAuth2("jo\x01auth=x", secret), nil, "", true},
		{"XOAUTH2 with a line end in the token", imapauth.XOAuth2("jo", imapauth.NewSecret("pa55\n")), nil, "", true},
		{"XOAUTH2 without a token", imapauth.XOAuth2("jo", imapauth.Secret{}), nil, "", true},
		// RFC 7628 section 4.1.
		{
			"OAUTHBEARER", imapauth.OAuthBearer("user@example.com", imapauth.NewSecret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="), "server.example.com", 143), nil,
			"OAUTHBEARER|n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01", false,
		},
		{"OAUTHBEARER without a name", imapauth.OAuthBearer("", secret, "", 0), nil, "OAUTHBEARER|n,,\x01auth=Bearer pa55\x01\x01", false},
		{"OAUTHBEARER with a comma in the name", imapauth.OAuthBearer("a,b=c", secret, "", 0), nil, "OAUTHBEARER|n,a=a=2Cb=3Dc,\x01auth=Bearer pa55\x01\x01", false},
		{"OAUTHBEARER refused", imapauth.OAuthBearer("", secret, "", 0), []string{"{}"}, "OAUTHBEARER|n,,\x01auth=Bearer pa55\x01\x01|\x01", false},
		{"OAUTHBEARER with a field in the token", imapauth.OAuthBearer("", imapauth.NewSecret("a\x01host=b"), "", 0), nil, "", true},
	} {
		for _, again := range []bool{false, true} {
			said, err := talk(c.client, c.challenges...)
			if got := strings.Join(said, "|"); got != c.want || (err != nil) != c.fails {
				t.Errorf("%s (again: %v):\n got %q, %v\nwant %q", c.name, again, got, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "pa55") {
				t.Errorf("%s: the error shows the secret: %v", c.name, err)
			}
		}
	}
}

// The other side of go-sasl must understand us.
func TestMechanismsWithGoSASLServers(t *testing.T) {
	secret := imapauth.NewSecret("pa55")
	for name, c := range map[string]struct {
		client sasl.Client
		server sasl.Server
	}{
		"PLAIN": {imapauth.Plain("ann", "jo", secret), sasl.NewPlainServer(func(identity, username, password string) error {
			return expect(identity+"/"+username+"/"+password, "ann/jo/pa55")
		})},
		"EXTERNAL":  {imapauth.External("ann"), sasl.NewExternalServer(func(identity string) error { return expect(identity, "ann") })},
		"ANONYMOUS": {imapauth.Anonymous("x"), sasl.NewAnonymousServer(func(trace string) error { return expect(trace, "x") })},
		"OAUTHBEARER": {imapauth.OAuthBearer("jo", secret, "h", 993), sasl.NewOAuthBearerServer(func(o sasl.OAuthBearerOptions) *sasl.OAuthBearerError {
			if o.Username != "jo" || o.Token != "pa55" || o.Host != "h" || o.Port != 993 {
				return &sasl.OAuthBearerError{Status: "invalid_token"}
			}
			return nil
		})},
	} {
		_, ir, err := c.client.Start()
		if err != nil {
			t.Fatal(err)
		}
		if _, done, err := c.server.Next(ir); !done || err != nil {
			t.Errorf("%s: done %v, %v", name, done, err)
		}
	}
}

func expect(got, want string) error {
	if got != want {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	return nil
}

func TestRefusedTokenSaysWhy(t *testing.T) {
	refused := errors.New("AUTHENTICATE: server said NO")
	for _, c := range []struct {
		challenge string
		want      imapauth.OAuthError
		text      string
	}{
		{ // Gmail
			`{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`,
			imapauth.OAuthError{Status: "400", Schemes: "Bearer", Scope: "https://mail.google.com/"},
			"XOAUTH2: the server refused the access token: 400 (it must be good for https://mail.google.com/)",
		},
		{ // RFC 7628 section 4.3
			`{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/.well-known/openid-configuration"}`,
			imapauth.OAuthError{Status: "invalid_token", Scope: "example_scope", Configuration: "https://example.com/.well-known/openid-configuration"},
			"XOAUTH2: the server refused the access token: invalid_token (it must be good for example_scope)",
		},
		{`{"status":401,"scope":["a"]}`, imapauth.OAuthError{Status: "401"}, "XOAUTH2: the server refused the access token: 401"},
		{"no JSON\x1b[31m", imapauth.OAuthError{}, "XOAUTH2: the server refused the access token: no JSON?[31m"},
		{"", imapauth.OAuthError{}, "XOAUTH2: the server refused the access token"},
		{strings.Repeat("x", 5000), imapauth.OAuthError{Raw: strings.Repeat("x", 1024)}, "XOAUTH2: the server refused the access token: " + strings.Repeat("x", 1024)},
	} {
		client := imapauth.XOAuth2("jo", imapauth.NewSecret("pa55"))
		if _, err := talk(client, c.challenge); err != nil {
			t.Fatal(err)
		}
		err := imapauth.Explain(client, refused)
		got, ok := errors.AsType[*imapauth.OAuthError](err)
		if !ok || !errors.Is(err, refused) {
			t.Errorf("%.40q: %v", c.challenge, err)
			continue
		}
		want := c.want
		want.Mechanism = "XOAUTH2"
		if want.Raw == "" {
			want.Raw = c.challenge
		}
		if *got != want || got.Error() != c.text {
			t.Errorf("%.40q:\n got %+v %q\nwant %+v %q", c.challenge, *got, got, want, c.text)
		}
	}
}

func TestExplainAddsNothingOfItsOwn(t *testing.T) {
	refused := errors.New("refused")
	fresh := imapauth.XOAuth2("jo", imapauth.NewSecret("pa55"))
	for name, client := range map[string]sasl.Client{"none": nil, "PLAIN": imapauth.Plain("", "jo", imapauth.NewSecret("pa55")), "no challenge": fresh} {
		if err := imapauth.Explain(client, refused); err != refused { //nolint:errorlint // exactly this one
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := talk(fresh, "{}"); err != nil {
		t.Fatal(err)
	}
	if err := imapauth.Explain(fresh, nil); err != nil {
		t.Errorf("a login that worked has an error: %v", err)
	}
	if _, err := talk(fresh); err != nil {
		t.Fatal(err)
	}
	if err := imapauth.Explain(fresh, refused); err != refused { //nolint:errorlint // exactly this one
		t.Errorf("the reason of the last login is told again: %v", err)
	}
}

func TestStaticToken(t *testing.T) {
	source := imapauth.StaticToken(imapauth.NewSecret("pa55"))
	if token, err := source.Token(context.Background(), false); token != "pa55" || err != nil {
		t.Errorf("%q, %v", token, err)
	}
	if token, err := source.Token(context.Background(), true); token != "" || !errors.Is(err, imapauth.ErrStaticToken) {
		t.Errorf("%q, %v", token, err)
	}
}
