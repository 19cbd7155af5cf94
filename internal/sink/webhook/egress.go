package webhook

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// EgressError says that a webhook leads to where it must not.
type EgressError struct{ Addr netip.Addr }

func (e *EgressError) Error() string {
	return fmt.Sprintf("%v is not a public address: allow its network for this sink if it is meant", e.Addr)
}

// dialer returns a dialer that looks at each address when it is about to connect to it, after names were resolved: what a name stood for
// before does not matter.
func dialer(allow []netip.Prefix, r *net.Resolver) *net.Dialer {
	return &net.Dialer{
		Timeout: 15 * time.Second, KeepAlive: 30 * time.Second, Resolver: r,
		Control: func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			if Forbidden(ap.Addr(), allow) {
				return &EgressError{ap.Addr()}
			}
			return nil
		},
	}
}

// Forbidden says whether a webhook may not connect to an address: it may to public ones, and to those in allow. An address of IPv6 that
// stands for one of IPv4 is as good as that.
func Forbidden(a netip.Addr, allow []netip.Prefix) bool {
	a = a.WithZone("").Unmap()
	for {
		if slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return false
		}
		inner, ok := embedded(a)
		if !ok {
			break
		}
		a = inner
	}
	return !a.IsGlobalUnicast() || a.IsPrivate() || !publicV6.Contains(a) && a.Is6() ||
		slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

var (
	publicV6 = netip.MustParsePrefix("2000::/3")
	// special are what the registries of special-purpose addresses keep (RFC 6890) and the standard library takes for global.
	special = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20")
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	nat64Here = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

func prefixes(all ...string) (out []netip.Prefix) {
	for _, text := range all {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// embedded returns the address of IPv4 that one of IPv6 leads to: NAT64 (RFC 6052, RFC 8215) and 6to4 (RFC 3056).
func embedded(a netip.Addr) (netip.Addr, bool) {
	b := a.As16()
	switch {
	case !a.Is6():
		return a, false
	case nat64.Contains(a), nat64Here.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case binary.BigEndian.Uint64(b[:8]) == 0 && binary.BigEndian.Uint32(b[8:]) == 0 && binary.BigEndian.Uint32(b[12:]) > 1: // IPv4-compatible
		return netip.AddrFrom4([4]byte(b[12:])), true
	}
	return a, false
}
