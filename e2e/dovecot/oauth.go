package dovecot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// oauthKey signs access tokens. Dovecot checks them by itself, without asking a provider.
const oauthKey = "a key of tests, known to everybody"

// writeOAuth writes how Dovecot checks tokens: JSON web tokens, signed with the key found as AZP/ALGORITHM/KEY-ID.
func writeOAuth(dir string) error {
	keys := filepath.Join(dir, "oauth/default/HS256")
	if err := os.MkdirAll(keys, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(keys, "default"), []byte(base64.StdEncoding.EncodeToString([]byte(oauthKey))), 0o644); err != nil {
		return err
	}
	text := fmt.Sprintf("introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=%s/oauth/\nusername_attribute = sub\n", dir)
	return os.WriteFile(filepath.Join(dir, "oauth2.conf"), []byte(text), 0o644)
}

// Token returns an access token that opens the user's account for an hour at a Server with Options.Full.
func (s *Server) Token(user string) string {
	encode := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // maps of strings and numbers
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	now := time.Now().Unix()
	token := encode(map[string]string{"alg": "HS256", "typ": "JWT"}) + "." + encode(map[string]any{"sub": user, "iat": now, "exp": now + 3600})
	mac := hmac.New(sha256.New, []byte(oauthKey))
	mac.Write([]byte(token))
	return token + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
