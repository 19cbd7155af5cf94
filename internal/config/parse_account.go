package config

import (
	"encoding/json"
	"os"
)

// ParseAccount reads one account from a JSON object with the keys that [[account]] has in the file, as the API takes it. What it
// leaves out is as the defaults of c say.
//
// Who may add accounts need not be one who may read this machine's files, environment and keyring, or run programs there. So
// secrets must be given themselves, not by reference, and files cannot be named. Places of problems are empty; their keys say what
// they are about. With a problem that is no warning the account must not be used.
func ParseAccount(text []byte, c *Config) (Account, Problems) {
	var values map[string]any
	if err := json.Unmarshal(text, &values); err != nil || values == nil {
		return Account{}, Problems{{Message: "want a JSON object"}}
	}
	l := newLoader(c.File, Options{Getenv: os.Getenv})
	l.cfg.Defaults = c.Defaults
	n := grow(nil, values)
	for _, key := range []string{"ca_file", "client_cert", "client_key"} {
		if file := n.table[key]; file != nil {
			l.wrong(file, key, "cannot be given here: it names a file of the server; put the account into the configuration file")
			delete(n.table, key)
		}
	}
	a := l.decodeAccount(n, "")
	l.checkAccount(n, "", &a)
	for _, f := range l.refs {
		if !f.ref.InClear() {
			l.report(nil, 0, Problem{Key: f.path, Message: "must be the secret itself: references are for the configuration file", Hint: `a secret that begins like a reference is written "literal:…"`})
		}
	}
	return a, l.problems()
}
