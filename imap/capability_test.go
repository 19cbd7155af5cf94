package imap

import (
	"slices"
	"testing"
)

func TestCapabilities(t *testing.T) {
	c := ParseCapabilities(" imap4rev1  AUTH=plain AUTH=XOAUTH2 AppendLimit=100 ")
	if got := c.String(); got != "IMAP4REV1 AUTH=PLAIN AUTH=XOAUTH2 APPENDLIMIT=100" {
		t.Errorf("String: %q", got)
	}
	if got := c.Auth(); !slices.Equal(got, []string{"PLAIN", "XOAUTH2"}) {
		t.Errorf("Auth: %q", got)
	}
	if !c.HasAuth("xoauth2") || c.HasAuth("XOAUTH") {
		t.Error("HasAuth is wrong")
	}
	if v, ok := c.Value("appendlimit"); !ok || v != "100" {
		t.Errorf("Value: %q, %v", v, ok)
	}
	if n, ok := c.Limit("APPENDLIMIT"); !ok || n != 100 {
		t.Errorf("Limit: %d, %v", n, ok)
	}
	for _, text := range []string{"", "APPENDLIMIT", "APPENDLIMIT=", "APPENDLIMIT=x", "APPENDLIMIT=-1", "APPENDLIMIT=9223372036854775808"} {
		if n, ok := ParseCapabilities(text).Limit("APPENDLIMIT"); ok {
			t.Errorf("%q: the limit is %d", text, n)
		}
	}
}

func TestCapabilitiesImplied(t *testing.T) {
	tests := []struct {
		said string
		want Capability
		has  bool
	}{
		{"", CapIdle, false},
		{"IDLE", CapIdle, true},
		{"QRESYNC", CapCondStore, true},
		{"QRESYNC", CapEnable, true},
		{"CONDSTORE", CapQResync, false},
		{"LITERAL+", CapLiteralMinus, true},
		{"LITERAL-", CapLiteralPlus, false},
		{"UTF8=ONLY", CapUTF8Accept, true},
		{"UTF8=ACCEPT", CapUTF8Only, false},
		{"IMAP4REV1", CapIdle, false},
		{"IMAP4REV2", CapIdle, true},
		{"IMAP4REV2", CapMove, true},
		{"IMAP4REV2", CapSASLIR, true},
		{"IMAP4REV2", CapLiteralMinus, true},
		{"IMAP4REV2", CapLiteralPlus, false},
		{"IMAP4REV2", CapEnable, true},
		{"IMAP4REV2", CapCondStore, false},
		{"IMAP4REV2", CapNotify, false},
		{"METADATA", CapMetadataServer, true},
		{"METADATA-SERVER", CapMetadata, false},
		{"X-FUTURE", "X-FUTURE", true},
	}
	for _, test := range tests {
		if got := ParseCapabilities(test.said).Has(test.want); got != test.has {
			t.Errorf("%q has %s: %v, want %v", test.said, test.want, got, test.has)
		}
	}
}

func TestQuotaResources(t *testing.T) {
	c := ParseCapabilities("QUOTA QUOTA=RES-STORAGE quota=res-message QUOTASET")
	if got := c.QuotaResources(); !slices.Equal(got, []string{"STORAGE", "MESSAGE"}) {
		t.Errorf("resources %q", got)
	}
}

func TestCapabilityWithURLKeepsItsCase(t *testing.T) {
	c := ParseCapabilities("imap4rev1 imapsieve=sieve://Mail.example.org/Jo metadata")
	if url, ok := c.Value("IMAPSIEVE"); !ok || url != "sieve://Mail.example.org/Jo" || !c.Has(CapMetadata) {
		t.Error(c, url)
	}
}
