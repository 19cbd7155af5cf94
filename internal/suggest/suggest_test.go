package suggest

import "testing"

func TestNearest(t *testing.T) {
	t.Parallel()
	flags := []string{"json", "state", "ca-file", "password-file", "password-command", "idle-restart"}
	for text, want := range map[string]string{
		"jsno":         "json",
		"jso":          "json",
		"cafile":       "ca-file",
		"pasword-file": "password-file",
		"idle-restrat": "idle-restart",
		"completely":   "",
		"x":            "",
		"":             "",
	} {
		if got := Nearest(text, flags); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", text, got, want)
		}
	}
}
