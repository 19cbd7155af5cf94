package secret

import (
	"net/netip"
	"strings"
)

// Loopback reports whether a host is this machine, by its address or by a name that RFC 6761 section 6.3 reserves for it.
func Loopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
