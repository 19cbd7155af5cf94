package imap

import "testing"

func TestFlagsCompareWithoutCase(t *testing.T) {
	for text, want := range map[string]Flag{
		`\seen`: FlagSeen, `\SEEN`: FlagSeen, `\*`: FlagWildcard, "$junk": FlagJunk, "$NOTJUNK": FlagNotJunk,
		"": "", "MyFlag": "MyFlag", "Seen": "Seen", `\Seenx`: `\Seenx`,
	} {
		if got := CanonicalFlag(text); got != want {
			t.Errorf("CanonicalFlag(%q) = %q, want %q", text, got, want)
		}
	}
	flags := []Flag{FlagSeen, "MyFlag"}
	if !HasFlag(flags, `\sEEN`) || !HasFlag(flags, "myflag") || HasFlag(flags, "Seen") || HasFlag(nil, FlagSeen) {
		t.Error("HasFlag is wrong")
	}
	if !EqualFlag("a", "A") || EqualFlag("a", "b") {
		t.Error("EqualFlag is wrong")
	}
}
