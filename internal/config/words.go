package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/internal/suggest"
)

// mechanisms are those that can be asked for.
var mechanisms = []string{
	string(imapauth.SCRAMSHA512Plus), string(imapauth.SCRAMSHA256Plus), string(imapauth.SCRAMSHA1Plus),
	string(imapauth.SCRAMSHA512), string(imapauth.SCRAMSHA256), string(imapauth.SCRAMSHA1),
	string(imapauth.OAUTHBEARER), string(imapauth.XOAUTH2), string(imapauth.EXTERNAL),
	string(imapauth.PLAIN), string(imapauth.LOGIN), string(imapauth.LoginCommand), string(imapauth.CRAMMD5),
}

func parseMechanism(text string) (imapauth.Mechanism, error) {
	for _, m := range mechanisms {
		if strings.EqualFold(m, text) {
			return imapauth.Mechanism(m), nil
		}
	}
	if m := suggest.Nearest(strings.ToUpper(text), mechanisms); m != "" {
		return "", fmt.Errorf("%s is not known: did you mean %q?", quoted(text), m)
	}
	return "", fmt.Errorf("%s is not one of %s", quoted(text), quotedList(mechanisms))
}

// networks are words for networks that a webhook does not connect to unless it is allowed to.
var networks = map[string][]string{
	"loopback":   {"127.0.0.0/8", "::1/128"},
	"private":    {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"},
	"link-local": {"169.254.0.0/16", "fe80::/10"},
}

func parsePrefix(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.Prefix{}, errors.New(`want a network such as "10.1.0.0/16", an address, "loopback", "private" or "link-local"`)
}

// spreadNetworks replaces the words among the elements of a list by the networks that they stand for.
func spreadNetworks(n *node) {
	if n == nil {
		return
	}
	elements := n.list
	if elements == nil {
		elements = []*node{n}
	}
	var spread []*node
	for _, element := range elements {
		text, _ := element.value.(string)
		prefixes := networks[strings.ToLower(text)]
		if prefixes == nil {
			spread = append(spread, element)
		}
		for _, p := range prefixes {
			spread = append(spread, &node{src: element.src, key: element.key, place: element.place, value: p})
		}
	}
	if n.table == nil && spread != nil && !(n.list == nil && spread[0] == n) {
		n.list, n.value = spread, nil
	}
}
