package app

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"github.com/pushmail/pushmail/internal/tlsfiles"
)

// certs has the TLS settings of files read once: accounts by the thousand name the same, and those of a system's authorities
// take tens of kilobytes.
type certs struct {
	mu   sync.Mutex
	have map[tlsfiles.Files]loaded // guarded by mu
}

// loaded is what files held when they had last been changed at the given times.
type loaded struct {
	changed [3]time.Time
	config  *tls.Config
}

// load is tlsfiles.Load. What it returns is shared, and not to be changed.
func (c *certs) load(f tlsfiles.Files) (*tls.Config, error) {
	if f == (tlsfiles.Files{}) {
		return nil, nil
	}
	changed := changes(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, ok := c.have[f]; ok && l.changed == changed {
		return l.config, nil
	}
	config, err := tlsfiles.Load(f)
	if err != nil {
		return nil, err
	}
	if c.have == nil {
		c.have = map[tlsfiles.Files]loaded{}
	}
	c.have[f] = loaded{changed, config}
	return config, nil
}

// changes returns when the files were changed last.
func changes(f tlsfiles.Files) (at [3]time.Time) {
	for i, name := range []string{f.CA, f.Cert, f.Key} {
		if info, err := os.Stat(name); name != "" && err == nil {
			at[i] = info.ModTime()
		}
	}
	return at
}
