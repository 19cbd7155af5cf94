package hook

import (
	"strings"
	"testing"
)

func TestEnvTextIsBounded(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\x00b\x07c":              "abc",
		"a\r\nb\tc":                "a  b c",
		"\x1b]0;title\x9c":         "]0;title?",
		"\u009b2J":                 "2J",
		strings.Repeat("é", 10000): strings.Repeat("é", maxEnvText/2),
	} {
		if got := envText(text); got != want {
			t.Errorf("envText(%.40q) = %.80q, want %.80q", text, got, want)
		}
	}
}
