package imapauth_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/emersion/go-sasl"

	"github.com/pushmail/pushmail/imapauth"
)

// counting is 32 bytes to bind to: 0, 1, 2, …
var counting = func() (b []byte) {
	for i := range 32 {
		b = append(b, byte(i))
	}
	return b
}()

// The exchanges of RFC 5802 section 5 and RFC 7677 section 3; the others were computed with Python's
// hashlib and hmac.
func TestSCRAMVectors(t *testing.T) {
	const nonce256, server256 = "rOprNGfwEbeRWgbNEkqO", "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	for _, c := range []struct {
		name           string
		mechanism      imapauth.Mechanism
		user, password string
		identity       string
		binding        imapauth.Binding
		nonce          string
		exchange       [4]string // client, server, client, server
	}{
		{"RFC 5802", imapauth.SCRAMSHA1, "user", "pencil", "", imapauth.NoBinding, "fyko+d2lbbFgONRv9qkxdawL", [4]string{
			"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
			"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
			"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		}},
		{"RFC 7677", imapauth.SCRAMSHA256, "user", "pencil", "", imapauth.NoBinding, nonce256, [4]string{
			"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", server256,
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
			"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		}},
		{"SHA-512", imapauth.SCRAMSHA512, "user", "pencil", "", imapauth.NoBinding, nonce256, [4]string{
			"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", server256,
			"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
			"v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==",
		}},
		{"server offers no binding", imapauth.SCRAMSHA256, "user", "pencil", "", imapauth.BindingNotOffered, nonce256, [4]string{
			"y,,n=user,r=rOprNGfwEbeRWgbNEkqO", server256,
			"c=eSws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=FoqiHTtQEDE8lz1CdaEe3tK4mS+iMDTl77SPyDS53DY=",
			"v=dI4KpiQJwBr1+V+K6U1dA6l6I4I9DUNXWND4pcpRU3U=",
		}},
		{"bound to the exporter", imapauth.SCRAMSHA1Plus, "user", "pencil", "", imapauth.BindingOf("tls-exporter", counting), "fyko+d2lbbFgONRv9qkxdawL", [4]string{
			"p=tls-exporter,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
			"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
			"c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=i0z2xFi+ITaJvbLXpcWyruGx26U=",
			"v=YgmPUhdXTCPY9I7+PKzEdnp1cdo=",
		}},
		{"bound to the certificate, for another", imapauth.SCRAMSHA256Plus, "user", "pencil", "ann,b=c", imapauth.BindingOf("tls-server-end-point", counting), nonce256, [4]string{
			"p=tls-server-end-point,a=ann=2Cb=3Dc,n=user,r=rOprNGfwEbeRWgbNEkqO", server256,
			"c=cD10bHMtc2VydmVyLWVuZC1wb2ludCxhPWFubj0yQ2I9M0RjLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=mxpJNopUEI2V38OPI30luFxqZweJamVO0Vg4u/RtBWk=",
			"v=g6Kz8ZbMAM2hBzkrehLt8APOcYFRLzbQQDWYD4M60aQ=",
		}},
		{"10,000 iterations, an extension", imapauth.SCRAMSHA512Plus, "j,o", "pencil", "", imapauth.BindingOf("tls-exporter", counting), nonce256, [4]string{
			"p=tls-exporter,,n=j=2Co,r=rOprNGfwEbeRWgbNEkqO",
			"r=rOprNGfwEbeRWgbNEkqOabc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=10000,x=ignored",
			"c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,r=rOprNGfwEbeRWgbNEkqOabc,p=za7NQmqhnZMvb9LpDL9w5Z5mLLVYlzs23y20ZVO5JYZ8JfebFNWij5M2O0RYXmFQ1PxXaMgWO1wODA2yl13NGA==",
			"v=IbVswrz3MJ5ixK/ZcUYj4uSP+6v5i2sBDAkUtjL4iqNIcWD/5/e4rr6nCXH56hVJq1MRIkY/6iRwV1NDyvrBHQ==",
		}},
		// RFC 4013 section 3: the same text, written in another way.
		{"SASLprep", imapauth.SCRAMSHA256, "I\u00adX", "\u2160\u00a0X", "", imapauth.NoBinding, "abc", [4]string{
			"n,,n=IX,r=abc", "r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			"c=biws,r=abcdef,p=gAgJ3Lyr2t5KUsOSjXD26g1aauQfG/VkGvxnve5zmLM=", "v=smAGYeeAVSp8Vp15AWpBY9aoBsAdKXlseVbUvUX1gy4=",
		}},
		{"what SASLprep forbids", imapauth.SCRAMSHA256, "jo", "pa\U0001F600", "", imapauth.NoBinding, "abc", [4]string{
			"n,,n=jo,r=abc", "r=abcdef,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
			"c=biws,r=abcdef,p=5UcE4DHskoWNNkXeSknTBBpYTlCuDydEjW4/8LWqUMg=", "v=mmKvqUyc/UXN1VVP2O9YmAxeFhlu6EpX+Jshmb+dK6M=",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := imapauth.SCRAM(c.mechanism, c.identity, c.user, imapauth.NewSecret(c.password), c.binding)
			imapauth.FixNonce(client, c.nonce)
			for _, again := range []bool{false, true} {
				said, err := talk(client, c.exchange[1], c.exchange[3])
				want := strings.Join([]string{string(c.mechanism), c.exchange[0], c.exchange[2], ""}, "|")
				if got := strings.Join(said, "|"); got != want || err != nil {
					t.Errorf("again: %v\n got %q, %v\nwant %q", again, got, err, want)
				}
				if err := client.(imapauth.Finisher).Finished(); err != nil {
					t.Errorf("after the server's proof: %v", err)
				}
			}
		})
	}
}

func TestSCRAMNoncesAreFresh(t *testing.T) {
	client := imapauth.SCRAM(imapauth.SCRAMSHA256, "", "jo", imapauth.NewSecret("pencil"), imapauth.NoBinding)
	seen := map[string]bool{}
	for range 100 {
		said, err := talk(client)
		if err != nil {
			t.Fatal(err)
		}
		_, nonce, _ := strings.Cut(said[1], ",r=")
		if len(nonce) < 24 || seen[nonce] {
			t.Fatalf("nonce %q: short, or not the first of its kind", nonce)
		}
		seen[nonce] = true
	}
}

// first is a sound first message, final the server's proof for it.
const (
	first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
	nonce = "rOprNGfwEbeRWgbNEkqO"
)

func pencil() sasl.Client {
	c := imapauth.SCRAM(imapauth.SCRAMSHA256, "", "user", imapauth.NewSecret("pencil"), imapauth.NoBinding)
	imapauth.FixNonce(c, nonce)
	return c
}

func salt(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }

// What a server can do wrong is refused, at no cost, and does not pass for a login.
func TestHostileSCRAMServers(t *testing.T) {
	for _, c := range []struct {
		name       string
		challenges []string // separate messages of the server
		want       string   // in the error of the last one; "" if only Finished fails
	}{
		{"nothing at all", nil, ""},
		{"OK in place of the proof", []string{first}, ""},
		{"empty", []string{""}, "1 fields"},
		{"proof before ours", []string{final}, "fields"},
		{"another's nonce", []string{strings.Replace(first, "rOpr", "aOpr", 1)}, "does not start with ours"},
		{"nonce as it was", []string{"r=" + nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"}, "added nothing"},
		{"shortened nonce", []string{"r=" + nonce[:8] + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"}, "does not start with ours"},
		{"unprintable nonce", []string{"r=" + nonce + "\x1b[2J,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"}, "not printable"},
		{"huge nonce", []string{"r=" + nonce + strings.Repeat("x", 1025) + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"}, "more than 1024"},
		{"no salt", []string{"r=" + nonce + "x,i=4096,s=W22Z"}, "no salt"},
		{"empty salt", []string{"r=" + nonce + "x,s=,i=4096"}, "salt is empty"},
		{"salt that is not base64", []string{"r=" + nonce + "x,s=W2!Z,i=4096"}, "not base64"},
		{"huge salt", []string{"r=" + nonce + "x,s=" + salt(1025) + ",i=4096"}, "more than 1024"},
		{"huger salt", []string{"r=" + nonce + "x,s=" + salt(100_000) + ",i=4096"}, "133"},
		{"no count", []string{"r=" + nonce + "x,s=W22Z"}, "fields"},
		{"no count in its place", []string{"r=" + nonce + "x,s=W22Z,x=4096,i=4096"}, "no iteration count"},
		{"count of words", []string{"r=" + nonce + "x,s=W22Z,i=many"}, "no iteration count"},
		{"count with a sign", []string{"r=" + nonce + "x,s=W22Z,i=+4096"}, "no iteration count"},
		{"negative count", []string{"r=" + nonce + "x,s=W22Z,i=-4096"}, "no iteration count"},
		{"count of 0", []string{"r=" + nonce + "x,s=W22Z,i=0"}, "no iteration count"},
		{"count with a leading 0", []string{"r=" + nonce + "x,s=W22Z,i=04096"}, "no iteration count"},
		{"count of 1", []string{"r=" + nonce + "x,s=W22Z,i=1"}, "at least 4096"},
		{"count of 4095", []string{"r=" + nonce + "x,s=W22Z,i=4095"}, "at least 4096"},
		{"count of 1000001", []string{"r=" + nonce + "x,s=W22Z,i=1000001"}, "more than 1000000"},
		{"count of 10^9", []string{"r=" + nonce + "x,s=W22Z,i=1000000000"}, "more than 1000000"},
		{"count of 10^30", []string{"r=" + nonce + "x,s=W22Z,i=1" + strings.Repeat("0", 30)}, "more than 1000000"},
		{"extension that must be known", []string{"m=x," + first}, "extension"},
		{"the same behind", []string{first + ",m=x"}, "extension"},
		{"wrong signature", []string{first, "v=" + base64.StdEncoding.EncodeToString(make([]byte, 32))}, "signature is wrong"},
		{"one bit", []string{first, strings.Replace(final, "6rri", "6rrj", 1)}, "signature is wrong"},
		{"short signature", []string{first, "v=6rri"}, "no signature"},
		{"empty signature", []string{first, "v="}, "no signature"},
		{"signature that is not base64", []string{first, "v=???"}, "no signature"},
		{"no signature", []string{first, ""}, "no signature"},
		{"first message again", []string{first, first}, "no signature"},
		{"our own proof", []string{first, "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="}, "no signature"},
		{"error at once", []string{"e=unknown-user"}, ""},
		{"error instead of the proof", []string{first, "e=invalid-proof"}, ""},
		{"proof after an error", []string{first, "e=invalid-proof", final}, "unexpected"},
		{"right proof after a wrong one", []string{first, "v=6rri", final}, "unexpected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := pencil()
			if _, _, err := client.Start(); err != nil {
				t.Fatal(err)
			}
			var err error
			for _, challenge := range c.challenges {
				_, err = client.Next([]byte(challenge))
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if err := client.(imapauth.Finisher).Finished(); err == nil || !errors.As(err, new(*imapauth.ExchangeError)) {
				t.Errorf("such a server can say OK: %v", err)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("the error has control characters: %q", err)
			}
		})
	}
}

func TestChallengeAfterSuccessIsRefused(t *testing.T) {
	for _, more := range []string{"", final, first, "e=other-error"} {
		client := pencil()
		if _, err := talk(client, first, final); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Next([]byte(more)); !errors.Is(err, sasl.ErrUnexpectedServerChallenge) {
			t.Errorf("%q after success: %v", more, err)
		}
	}
}

func TestSCRAMArguments(t *testing.T) {
	secret := imapauth.NewSecret("pencil")
	bound := imapauth.BindingOf("tls-exporter", counting)
	for name, client := range map[string]sasl.Client{
		"no user":                     imapauth.SCRAM(imapauth.SCRAMSHA1, "", "", secret, imapauth.NoBinding),
		"NUL in the user":             imapauth.SCRAM(imapauth.SCRAMSHA1, "", "a\x00", secret, imapauth.NoBinding),
		"NUL in the password":         imapauth.SCRAM(imapauth.SCRAMSHA1, "", "a", imapauth.NewSecret("pencil\x00"), imapauth.NoBinding),
		"NUL in the identity":         imapauth.SCRAM(imapauth.SCRAMSHA1, "\x00", "a", secret, imapauth.NoBinding),
		"-PLUS without a binding":     imapauth.SCRAM(imapauth.SCRAMSHA1Plus, "", "a", secret, imapauth.NoBinding),
		"-PLUS that is not offered":   imapauth.SCRAM(imapauth.SCRAMSHA1Plus, "", "a", secret, imapauth.BindingNotOffered),
		"a binding without -PLUS":     imapauth.SCRAM(imapauth.SCRAMSHA1, "", "a", secret, bound),
		"a mechanism that is no hash": imapauth.SCRAM("SCRAM-SHA3-512", "", "a", secret, imapauth.NoBinding),
	} {
		_, _, err := client.Start()
		if err == nil || strings.Contains(err.Error(), "pencil") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := client.Next([]byte(first)); err == nil {
			t.Errorf("%s: it goes on", name)
		}
	}
}

func TestServerSaysWhy(t *testing.T) {
	refused := errors.New("AUTHENTICATE: server said NO")
	for _, c := range []struct {
		challenges  []string
		value       string
		unsupported bool
		intercepted bool
		judged      bool
		text        string
	}{
		{[]string{"e=unknown-user"}, "unknown-user", false, false, false, "SCRAM-SHA-256: the server says unknown-user"},
		{[]string{"e=unsupported-channel-binding-type"}, "unsupported-channel-binding-type", true, false, false, "SCRAM-SHA-256: the server says unsupported-channel-binding-type"},
		{[]string{first, "e=invalid-proof,x=y"}, "invalid-proof", false, false, true, "SCRAM-SHA-256: the server says invalid-proof"},
		{[]string{first, "e=channel-bindings-dont-match"}, "channel-bindings-dont-match", false, true, true, ""},
		{[]string{"e=server-does-support-channel-binding"}, "server-does-support-channel-binding", false, true, false, ""},
		{[]string{"e=\x1b[2J" + strings.Repeat("x", 1000)}, "\x1b[2J" + strings.Repeat("x", 96), false, false, false, "SCRAM-SHA-256: the server says ?[2J" + strings.Repeat("x", 96)},
	} {
		client := pencil()
		if _, err := talk(client, c.challenges...); err != nil {
			t.Fatal(err)
		}
		err := imapauth.Explain(client, refused)
		why, ok := errors.AsType[*imapauth.SCRAMError](err)
		if !ok || !errors.Is(err, refused) {
			t.Errorf("%.60q: %v", c.challenges, err)
			continue
		}
		if why.Value != c.value || why.Unsupported() != c.unsupported || why.Intercepted() != c.intercepted || c.text != "" && why.Error() != c.text {
			t.Errorf("%.60q: %q", c.challenges, why)
		}
		if judged := client.(imapauth.Judged).Judged(); judged != c.judged {
			t.Errorf("%.60q: judged %v", c.challenges, judged)
		}
	}
}

func TestOnlyCompleteExchangesAreBelieved(t *testing.T) {
	secret := imapauth.NewSecret("pa55")
	for _, c := range []struct {
		name       string
		client     sasl.Client
		challenges []string
		finished   bool
	}{
		{"LOGIN at once", imapauth.Login("jo", secret), nil, false},
		{"LOGIN after the name", imapauth.Login("jo", secret), []string{""}, false},
		{"LOGIN", imapauth.Login("jo", secret), []string{"", ""}, true},
		{"CRAM-MD5 at once", imapauth.CRAMMD5Client("jo", secret), nil, false},
		{"CRAM-MD5", imapauth.CRAMMD5Client("jo", secret), []string{"x"}, true},
		{"OAUTHBEARER", imapauth.OAuthBearer("jo", secret, "", 0), nil, true},
		{"OAUTHBEARER after a refusal", imapauth.OAuthBearer("jo", secret, "", 0), []string{"{}"}, false},
		{"XOAUTH2 after a refusal", imapauth.XOAuth2("jo", secret), []string{"{}"}, false},
	} {
		if _, err := talk(c.client, c.challenges...); err != nil {
			t.Fatal(err)
		}
		if err := c.client.(imapauth.Finisher).Finished(); (err == nil) != c.finished {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// A message that gets through is within all limits, and nothing else does what it should not.
func FuzzServerFirst(f *testing.F) {
	for _, seed := range []string{
		first, final, "", "e=other-error", "m=x," + first, first + ",x=y", "r=" + nonce + "x,s=W22Z,i=1000000000", "r=" + nonce + "x,s=" + salt(1025) + ",i=4096",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		err := imapauth.CheckServerFirst(message, nonce)
		client := pencil()
		if _, _, e := client.Start(); e != nil {
			t.Fatal(e)
		}
		if err == nil {
			var rest string
			var count int
			_, rest, _ = strings.Cut(message, ",i=")
			if n, e := fmt.Sscanf(rest, "%d", &count); n != 1 || e != nil || count < imapauth.MinIterations || count > imapauth.MaxIterations {
				t.Fatalf("%q got through with %d iterations", message, count)
			}
			if !strings.HasPrefix(message, "r="+nonce) || len(message) > 4096 {
				t.Fatalf("%q got through", message)
			}
			if count > 2*imapauth.MinIterations {
				return // it would only take long
			}
		}
		reply, nextErr := client.Next([]byte(message))
		if strings.HasPrefix(message, "e=") {
			if len(reply) != 0 || nextErr != nil || client.(imapauth.Failer).Failure() == nil {
				t.Fatalf("%q: %q, %v", message, reply, nextErr)
			}
			return
		}
		if (err == nil) != (nextErr == nil) {
			t.Fatalf("%q: the check says %v, the exchange %v", message, err, nextErr)
		}
		if nextErr != nil && !utf8.ValidString(nextErr.Error()) {
			t.Fatalf("%q: %q", message, nextErr)
		}
		// Only the message of the vector has the proof of the vector.
		if _, e := client.Next([]byte(final)); (e == nil) != (message == first) {
			t.Fatalf("%q: the server's proof is taken: %v", message, e)
		}
	})
}
