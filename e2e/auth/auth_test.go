package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// login connects and signs in. It returns the protocol log, in which no secret may be.
func login(t *testing.T, s *dovecot.Server, security imapclient.Security, cred *imapauth.Credentials, certificates ...tls.Certificate) (log string, c *imapclient.Conn, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	roots, err := s.CertPool()
	check(t, err)
	var trace bytes.Buffer
	o := &imapclient.Options{
		Addr: s.IMAPS, Security: security, Trace: &imapclient.Trace{W: &trace}, TLSConfig: &tls.Config{RootCAs: roots, Certificates: certificates},
	}
	if security != imapclient.ImplicitTLS {
		o.Addr = s.IMAP
	}
	c, err = imapclient.Dial(ctx, o)
	check(t, err)
	t.Cleanup(func() { c.Close() })
	err = c.SignIn(ctx, cred)
	if (err == nil) != (c.State() == imapclient.StateAuthenticated) {
		t.Errorf("state %v after %v", c.State(), err)
	}
	text := trace.String()
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "AUTHENTICATE") && strings.Count(line, " ") > 4 && !strings.Contains(line, "****") {
			t.Errorf("the log shows an initial response: %s", line)
		}
	}
	for _, secret := range []string{cred.Password.Reveal(), base64.StdEncoding.EncodeToString([]byte("\x00jo\x00" + cred.Password.Reveal()))} {
		if !cred.Password.IsZero() && strings.Contains(text+fmt.Sprintf("%+v", err), secret) {
			t.Errorf("the password shows:\n%s\n%v", text, err)
		}
	}
	return text, c, err
}

func refusal(err error) imapclient.Refusal {
	if e, ok := errors.AsType[*imapclient.AuthError](err); ok {
		return e.Refusal
	}
	return 255
}

func TestEveryMechanism(t *testing.T) {
	t.Parallel()
	s := dovecot.Start(t, dovecot.Options{Full: true})
	for _, m := range []imapauth.Mechanism{
		imapauth.PLAIN, imapauth.LOGIN, imapauth.LoginCommand, imapauth.CRAMMD5, imapauth.SCRAMSHA1, imapauth.SCRAMSHA256, imapauth.ANONYMOUS, imapauth.XOAUTH2, imapauth.OAUTHBEARER,
	} {
		t.Run(string(m), func(t *testing.T) {
			for _, security := range []imapclient.Security{imapclient.ImplicitTLS, imapclient.StartTLS, imapclient.InsecurePlaintext} {
				cred := &imapauth.Credentials{
					Username: "jo", Password: imapauth.NewSecret(dovecot.Password), Anonymous: true,
					Tokens: imapauth.StaticToken(imapauth.NewSecret(s.Token("jo"))), Mechanisms: []imapauth.Mechanism{m},
				}
				_, c, err := login(t, s, security, cred)
				if err != nil {
					t.Errorf("%v: %v", security, err)
					continue
				}
				if _, err := c.Select(t.Context(), "INBOX", nil); err != nil {
					t.Errorf("%v: %v", security, err)
				}
			}
			if m == imapauth.ANONYMOUS {
				return
			}
			cred := &imapauth.Credentials{
				Username: "jo", Password: imapauth.NewSecret("wrong-secret"), Mechanisms: []imapauth.Mechanism{m},
				Tokens: imapauth.StaticToken(imapauth.NewSecret(s.Token("jo") + "x")),
			}
			_, c, err := login(t, s, imapclient.ImplicitTLS, cred)
			if refusal(err) != imapclient.RefusedCredentials || imapclient.Classify(err).Class != imapclient.ClassAuth || c.Err() != nil {
				t.Errorf("wrong secret: %v, connection %v", err, c.Err())
			}
			if m.IsOAuth() && !errors.As(err, new(*imapauth.OAuthError)) {
				t.Errorf("the server's reason is lost: %v", err)
			}
		})
	}
}

// stored makes a passwd-file with one line for each scheme: the user is the scheme, in lower case.
func stored(t *testing.T, password string, schemes ...string) (file string) {
	t.Helper()
	s := dovecot.Start(t, dovecot.Options{})
	var lines []string
	for _, scheme := range schemes {
		hash, err := s.Doveadm("pw", "-s", scheme, "-p", password)
		check(t, err)
		lines = append(lines, strings.ToLower(scheme)+":"+hash)
	}
	return readable(t, "users", strings.Join(lines, "\n")+"\n")
}

func passwdFile(file string) string {
	return "passdb {\n driver = passwd-file\n args = username_format=%u " + file + "\n result_success = return-ok\n result_failure = return-fail\n result_internalfail = return-fail\n}\n"
}

// How a password is stored decides what it can be used for; the client finds out without trying a
// password twice.
func TestStoredKeys(t *testing.T) {
	t.Parallel()
	const password = "pässwörd 1"
	file := stored(t, password, "SCRAM-SHA-256", "SCRAM-SHA-1", "SHA512-CRYPT", "CRAM-MD5", "PLAIN")
	s := dovecot.Start(t, dovecot.Options{Extra: "auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256\n" + passwdFile(file)})
	for _, c := range []struct {
		user string
		tls  string // mechanisms that are tried on TLS
		bare string // and without; "" for no way
	}{
		{"plain", "SCRAM-SHA-256", "SCRAM-SHA-256"},
		{"scram-sha-256", "SCRAM-SHA-256", "SCRAM-SHA-256"},
		{"scram-sha-1", "SCRAM-SHA-256 PLAIN", "SCRAM-SHA-256 SCRAM-SHA-1"},
		{"sha512-crypt", "SCRAM-SHA-256 PLAIN", ""},
		{"cram-md5", "SCRAM-SHA-256 PLAIN", "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5"},
	} {
		t.Run(c.user, func(t *testing.T) {
			for security, want := range map[imapclient.Security]string{imapclient.ImplicitTLS: c.tls, imapclient.InsecurePlaintext: c.bare} {
				log, _, err := login(t, s, security, &imapauth.Credentials{Username: c.user, Password: imapauth.NewSecret(password)})
				if (err == nil) != (want != "") {
					t.Errorf("%v: %v", security, err)
				}
				if got := tried(log); want != "" && got != want {
					t.Errorf("%v: tried %s, want %s", security, got, want)
				}
				_, _, err = login(t, s, security, &imapauth.Credentials{Username: c.user, Password: imapauth.NewSecret("wrong-secret")})
				if err == nil || want != "" && c.user == "plain" && refusal(err) != imapclient.RefusedCredentials {
					t.Errorf("%v: wrong password: %v", security, err)
				}
			}
		})
	}
}

// tried returns the mechanisms in a protocol log.
func tried(log string) string {
	var all []string
	for _, line := range strings.Split(log, "\n") {
		if _, rest, ok := strings.Cut(line, " AUTHENTICATE "); ok && strings.HasPrefix(line, "C: ") {
			all = append(all, strings.Fields(rest)[0])
		}
	}
	return strings.Join(all, " ")
}

func TestRefusedTokenIsRenewed(t *testing.T) {
	t.Parallel()
	s := dovecot.Start(t, dovecot.Options{Full: true})
	for _, m := range []imapauth.Mechanism{imapauth.OAUTHBEARER, imapauth.XOAUTH2} {
		var asked []bool
		cred := &imapauth.Credentials{Username: "jo", Mechanisms: []imapauth.Mechanism{m}, Tokens: imapauth.TokenFunc(func(_ context.Context, force bool) (string, error) {
			asked = append(asked, force)
			if force {
				return s.Token("jo"), nil
			}
			return s.Token("jo") + "x", nil
		})}
		log, c, err := login(t, s, imapclient.ImplicitTLS, cred)
		if err != nil || len(asked) != 2 || !asked[1] || strings.Count(log, "AUTHENTICATE") < 2 || c.Err() != nil {
			t.Errorf("%s: %v, asked with force %v:\n%s", m, err, asked, log)
		}
		// A token of somebody else is refused, too, and its reason is told.
		cred.Tokens = imapauth.TokenFunc(func(context.Context, bool) (string, error) { return s.Token("ann"), nil })
		_, _, err = login(t, s, imapclient.ImplicitTLS, cred)
		why, ok := errors.AsType[*imapauth.OAuthError](err)
		if !ok || why.Status == "" {
			t.Errorf("%s with another's token: %v", m, err)
		}
	}
}

// An administrator logs in to the mailbox of a user.
func TestIdentity(t *testing.T) {
	t.Parallel()
	file := stored(t, "master-pass", "PLAIN")
	s := dovecot.Start(t, dovecot.Options{Extra: "auth_mechanisms = plain scram-sha-256 scram-sha-1\npassdb {\n driver = passwd-file\n master = yes\n args = " + file + "\n}\n"})
	for _, m := range []imapauth.Mechanism{imapauth.PLAIN, imapauth.SCRAMSHA256, imapauth.SCRAMSHA1} {
		cred := &imapauth.Credentials{Username: "plain", Identity: "ann", Password: imapauth.NewSecret("master-pass"), Mechanisms: []imapauth.Mechanism{m}}
		if _, c, err := login(t, s, imapclient.ImplicitTLS, cred); err != nil {
			t.Errorf("%s: %v", m, err)
		} else if _, err := c.Select(t.Context(), "INBOX", nil); err != nil {
			t.Errorf("%s: %v", m, err)
		}
		who, err := s.Doveadm("who")
		check(t, err)
		if !strings.Contains(who, "ann") {
			t.Errorf("%s: logged in as %s", m, who)
		}
		cred.Password = imapauth.NewSecret("wrong-secret")
		if _, _, err := login(t, s, imapclient.ImplicitTLS, cred); refusal(err) != imapclient.RefusedCredentials && refusal(err) != imapclient.RefusedIdentity {
			t.Errorf("%s, wrong: %v", m, err)
		}
	}
}

// clientCertificate makes a certificate for a user, and a file to trust it by.
func clientCertificate(t *testing.T, user string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: user}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check(t, err)
	file := readable(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// readable writes a file that the server, who is another user, can read.
func readable(t *testing.T, name, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	check(t, os.WriteFile(file, []byte(text), 0o644))
	for dir := filepath.Dir(file); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		check(t, os.Chmod(dir, 0o755))
	}
	return file
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	cert, file := clientCertificate(t, "jo")
	s := dovecot.Start(t, dovecot.Options{Extra: "auth_mechanisms = plain external\nauth_ssl_username_from_cert = yes\nssl_ca = <" + file +
		"\nssl_require_crl = no\nssl_verify_client_cert = yes\npassdb {\n driver = static\n mechanisms = external\n args = nopassword\n}\n"})
	cred := &imapauth.Credentials{External: true}
	if log, _, err := login(t, s, imapclient.ImplicitTLS, cred, cert); err != nil || tried(log) != "EXTERNAL" {
		t.Errorf("%v\n%s", err, log)
	}
	if _, _, err := login(t, s, imapclient.ImplicitTLS, cred); err == nil {
		t.Error("logged in without a certificate")
	}
}

// The server's own idea of a signature: what a token that expired looks like.
func TestExpiredToken(t *testing.T) {
	t.Parallel()
	s := dovecot.Start(t, dovecot.Options{Full: true})
	token := s.Token("jo")
	head, rest, _ := strings.Cut(token, ".")
	body, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(body)
	check(t, err)
	old := strings.NewReplacer(`"exp":1`, `"exp":0.1`, `"exp":2`, `"exp":0.2`).Replace(string(text))
	signed := head + "." + base64.RawURLEncoding.EncodeToString([]byte(old))
	mac := hmac.New(sha256.New, []byte("a key of tests, known to everybody"))
	mac.Write([]byte(signed))
	signed += "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	cred := &imapauth.Credentials{Username: "jo", Tokens: imapauth.StaticToken(imapauth.NewSecret(signed))}
	_, _, err = login(t, s, imapclient.ImplicitTLS, cred)
	why, ok := errors.AsType[*imapauth.OAuthError](err)
	if !ok || why.Status != "invalid_token" || imapclient.Classify(err).Class != imapclient.ClassAuth {
		t.Errorf("%v", err)
	}
}
