package imapauth_test

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imapauth"
)

const hunter2 = "hunter2!"

// shows reports whether text gives the secret away, in one of the forms that fmt knows.
func shows(text string) bool {
	text = strings.ToLower(text)
	var numbers, spaced []string
	for i := range len(hunter2) {
		numbers = append(numbers, fmt.Sprint(hunter2[i]))
		spaced = append(spaced, hex.EncodeToString([]byte{hunter2[i]}))
	}
	for _, form := range []string{
		hunter2[:4], hex.EncodeToString([]byte(hunter2)), strings.Join(numbers, " "), strings.Join(spaced, " "), strings.Join(numbers, ", "),
	} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestShowsFindsSecrets(t *testing.T) {
	for _, verb := range []string{"%v", "%q", "%x", "% x", "%X"} {
		if text := fmt.Sprintf(verb, hunter2); !shows(text) {
			t.Errorf("%s: %s", verb, text)
		}
	}
	if text := fmt.Sprintf("%d", []byte(hunter2)); !shows(text) {
		t.Error(text)
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	secret := imapauth.NewSecret(hunter2)
	type exported struct{ Password imapauth.Secret }
	type unexported struct{ password imapauth.Secret }
	type deep struct{ inner *unexported }
	proving := func(m imapauth.Mechanism, password string) sasl.Client {
		c := imapauth.SCRAM(m, "", "user", imapauth.NewSecret(password), imapauth.NoBinding)
		imapauth.FixNonce(c, nonce)
		if _, err := talk(c, first); err != nil {
			t.Fatal(err)
		}
		return c
	}
	cred := imapauth.Credentials{Username: "jo", Password: secret, Tokens: imapauth.StaticToken(secret)}
	values := map[string]any{
		"secret":            secret,
		"pointer":           &secret,
		"exported field":    exported{secret},
		"unexported field":  unexported{secret},
		"pointer to struct": &unexported{secret},
		"deep":              deep{&unexported{secret}},
		"slice":             []imapauth.Secret{secret},
		"map":               map[string]imapauth.Secret{"a": secret},
		"any in slice":      []any{secret, &secret},
		"credentials":       cred,
		"credentials (ptr)": &cred,
		"PLAIN":             imapauth.Plain("", "jo", secret),
		"LOGIN":             imapauth.Login("jo", secret),
		"XOAUTH2":           imapauth.XOAuth2("jo", secret),
		"OAUTHBEARER":       imapauth.OAuthBearer("jo", secret, "", 0),
		"CRAM-MD5":          imapauth.CRAMMD5Client("jo", secret),
		"SCRAM":             proving(imapauth.SCRAMSHA256, hunter2),
		"way":               way(t, &cred, imapauth.SCRAMSHA256),
		"token error":       &imapauth.TokenError{Username: "jo", Err: imapauth.ErrStaticToken},
		"token source":      imapauth.StaticToken(secret),
	}
	verbs := []string{
		"%v", "%+v", "%#v", "%s", "%q", "%#q", "%x", "%X", "% x", "%# X", "%d", "%c", "%U", "%t", "%e", "%b", "%o", "%p", "%T", "%20.5s", "%!", "%w", "%z",
	}
	for name, v := range values {
		for _, verb := range verbs {
			if text := fmt.Sprintf(verb, v); shows(text) {
				t.Errorf("%s with %s: %s", name, verb, text)
			}
		}
		for _, text := range []string{
			fmt.Sprint(v), fmt.Sprintln(v), fmt.Errorf("login: %v", v).Error(), errors.Join(fmt.Errorf("%+v", v)).Error(),
		} {
			if shows(text) {
				t.Errorf("%s: %s", name, text)
			}
		}
		if text, err := json.Marshal(v); err == nil && shows(string(text)) {
			t.Errorf("%s as JSON: %s", name, text)
		}
		if text, err := xml.Marshal(v); err == nil && shows(string(text)) {
			t.Errorf("%s as XML: %s", name, text)
		}
		var out bytes.Buffer
		if err := gob.NewEncoder(&out).Encode(v); err == nil && shows(out.String()) {
			t.Errorf("%s as gob: %q", name, out.String())
		}
		for _, handler := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var log bytes.Buffer
			slog.New(handler(&log)).With("with", v).Info("login", "value", v, slog.Group("group", "value", v))
			if !strings.Contains(log.String(), "login") || shows(log.String()) {
				t.Errorf("%s in a log: %s", name, log.String())
			}
		}
		if text := panicText(v); shows(text) {
			t.Errorf("%s in a panic: %s", name, text)
		}
	}
}

func panicText(v any) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	panic(v)
}

func TestSecretMask(t *testing.T) {
	for _, c := range []struct {
		secret imapauth.Secret
		verb   string
		want   string
	}{
		{imapauth.NewSecret(hunter2), "%v", "***"},
		{imapauth.NewSecret(hunter2), "%#v", "imapauth.Secret(***)"},
		{imapauth.NewSecret(hunter2), "%q", "***"},
		{imapauth.NewSecret(""), "%v", ""},
		{imapauth.Secret{}, "%#v", "imapauth.Secret()"},
	} {
		if got := fmt.Sprintf(c.verb, c.secret); got != c.want {
			t.Errorf("%s: %q, want %q", c.verb, got, c.want)
		}
	}
	secret := imapauth.NewSecret(hunter2)
	if secret.String() != "***" || secret.GoString() != "imapauth.Secret(***)" {
		t.Error(secret.String(), secret.GoString())
	}
	if v := secret.LogValue(); v.Kind() != slog.KindString || v.String() != "***" {
		t.Errorf("%v", v)
	}
	if text, err := json.Marshal(secret); string(text) != `"***"` || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}

func TestSecretKeepsItsText(t *testing.T) {
	a, b := imapauth.NewSecret(hunter2), imapauth.NewSecret(hunter2)
	if a.Reveal() != hunter2 || !a.Equal(b) || a.Equal(imapauth.NewSecret("other")) || a.Equal(imapauth.Secret{}) || a.IsZero() {
		t.Error("a secret is not what it was made of")
	}
	if none := imapauth.NewSecret(""); !none.IsZero() || none.Reveal() != "" || !none.Equal(imapauth.Secret{}) {
		t.Error("no secret is something")
	}
	var in struct{ Password imapauth.Secret }
	if err := json.Unmarshal([]byte(`{"Password":"hunter2!"}`), &in); err != nil || in.Password.Reveal() != hunter2 {
		t.Errorf("%v, %v", in, err)
	}
	if err := json.Unmarshal([]byte(`{"Password":"***"}`), &in); err == nil || in.Password.Reveal() != hunter2 {
		t.Errorf("the mask was taken for a secret: %v", err)
	}
}
