package imapwire

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var mailboxNames = []struct{ wire, name string }{
	{"", ""},
	{"INBOX", "INBOX"},
	{"inbox/Sub", "inbox/Sub"},
	{"R&-D", "R&D"},
	{"&-", "&"},
	{"&-&-", "&&"},
	{"&AOQ-&-", "ä&"},
	{"&-&AOQ-", "&ä"},
	{"Entw&APw-rfe", "Entwürfe"},
	{"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"}, // RFC 3501 section 5.1.3
	{"&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-", "От\u043fравленные"},
	{"&2D3eAA-", "😀"},
	{"a&2D3eANg93gE-b", "a😀😁b"},
	{"&AAo-", "\n"},
	{"&AH8-", "\x7f"},
	{"&AAA-", "\x00"},
	{"&,,8-", "\uffff"},
	{"a-b", "a-b"},
}

func TestMailboxNames(t *testing.T) {
	for _, test := range mailboxNames {
		if got := EncodeMailbox(test.name); got != test.wire {
			t.Errorf("EncodeMailbox(%q) = %q, want %q", test.name, got, test.wire)
		}
		if got, err := DecodeMailbox(test.wire); err != nil || got != test.name {
			t.Errorf("DecodeMailbox(%q) = %q, %v; want %q", test.wire, got, err, test.name)
		}
	}
	if got := EncodeMailbox("a\xff"); got != "a&,,0-" {
		t.Errorf("invalid UTF-8 is encoded as %q", got)
	}
}

func TestDecodeMailboxKeepsWhatIsNoModifiedUTF7(t *testing.T) {
	for _, wire := range []string{
		"&", "R&D", "a & b", "&Jjo!", "&AOQ", "&AOQ/-", "Entwürfe", "a\x01", "\x7f", "\xe4",
		"&U,BTFw-&ZeVnLIqe-", // superfluous shift (RFC 3501 section 5.1.3)
		"&AGE-",              // "a"
		"&AOQAYQ-",           // "äa"
		"&AOR-",              // padding is not zero
		"&AOQA-", "&A-", "&AA-", "&AOQAA-",
		"&2D0-", "&3gA-", "&3gDYPQ-", "&2D0AYQ-", "&2D3YPQ-", // surrogates without a partner
		"&2D3eAN4A-",
		"&,dA-x", "&,dA-", // the mark itself
	} {
		name, err := DecodeMailbox(wire)
		if err == nil || name != wire {
			t.Errorf("DecodeMailbox(%q) = %q, %v; want an error and the input", wire, name, err)
		}
		if got := MailboxFromWire(wire, false); got != RawMailbox(wire) || MailboxToWire(got, false) != wire {
			t.Errorf("%q comes as %q, goes as %q", wire, got, MailboxToWire(got, false))
		}
	}
}

func TestEveryNameGoesBackAsItCame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		utf8 := rapid.Bool().Draw(t, "utf8")
		wire := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`(&?[A-Za-z0-9+,]{0,6}-?){0,4}`),
			rapid.SampledFrom([]string{"\ufdd0", "\ufdd0&", "\ufdd0\ufdd0x"}),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		).Draw(t, "wire")
		if got := MailboxToWire(MailboxFromWire(wire, utf8), utf8); got != wire {
			t.Fatalf("%q came back as %q", wire, got)
		}
	})
}

func FuzzMailbox(f *testing.F) {
	for _, test := range mailboxNames {
		f.Add(test.wire)
		f.Add(test.name)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if name, err := DecodeMailbox(text); err == nil {
			if !utf8.ValidString(name) {
				t.Errorf("DecodeMailbox(%q) = %q is not UTF-8", text, name)
			}
			if wire := EncodeMailbox(name); wire != text {
				t.Errorf("%q decodes to %q, which encodes to %q", text, name, wire)
			}
		}
		if utf8.ValidString(text) && MailboxToWire(text, true) == text {
			wire := EncodeMailbox(text)
			if name, err := DecodeMailbox(wire); err != nil || name != text {
				t.Errorf("%q encodes to %q, which decodes to %q, %v", text, wire, name, err)
			}
		}
	})
}
