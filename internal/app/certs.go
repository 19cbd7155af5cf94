package app

import (
	"crypto/tls"
	"hash/maphash"
	"os"
	"sync"

	"github.com/pushmail/pushmail/internal/tlsfiles"
)

// certs has the TLS settings of files once: accounts by the thousand name the same, and those of a system's authorities take
// tens of kilobytes.
type certs struct {
	mu   sync.Mutex
	have map[tlsfiles.Files]loaded // guarded by mu
}

// loaded is what was made of files that had these contents.
type loaded struct {
	contents [3]uint64
	config   *tls.Config
}

// load is tlsfiles.Load. What it returns is shared, and not to be changed.
func (c *certs) load(f tlsfiles.Files) (*tls.Config, error) {
	if f == (tlsfiles.Files{}) {
		return nil, nil
	}
	contents := contentsOf(f) // before they are read for good: what changes in between is read again
	c.mu.Lock()
	defer c.mu.Unlock()
	if l, ok := c.have[f]; ok && l.contents == contents {
		return l.config, nil
	}
	config, err := tlsfiles.Load(f)
	if err != nil {
		return nil, err
	}
	if c.have == nil {
		c.have = map[tlsfiles.Files]loaded{}
	}
	c.have[f] = loaded{contents, config}
	return config, nil
}

var contentsSeed = maphash.MakeSeed()

// contentsOf returns a hash of each file. Their times would say less: a file that is copied may have those of the one before. One that
// cannot be read is for tlsfiles.Load to tell.
func contentsOf(f tlsfiles.Files) (sums [3]uint64) {
	for i, name := range []string{f.CA, f.Cert, f.Key} {
		if name == "" {
			continue
		}
		if text, err := os.ReadFile(name); err == nil {
			sums[i] = maphash.Bytes(contentsSeed, text)
		}
	}
	return sums
}
