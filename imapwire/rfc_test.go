package imapwire

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// rfcFile has the responses in the examples of the RFCs, in blocks: "== RFC number", then each response as
// it is printed there (with its lines joined, and what the errata say), and after "-> " what it means.
const rfcFile = "testdata/rfc.txt"

func TestExamplesOfTheRFCs(t *testing.T) {
	data, err := os.ReadFile(rfcFile)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var block, in string
	n := 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		want, isWant := strings.CutPrefix(line, "-> ")
		switch {
		case strings.HasPrefix(line, "== "):
			block = line[3:]
		case isWant:
			n++
			got, sound := read(quirkChars.Replace(in), nil)
			if !sound || got != want && !*update {
				t.Errorf("%s: %q\n got %s\nwant %s", block, in, got, want)
			}
			line = "-> " + got
		default:
			in = line
		}
		fmt.Fprintln(&out, line)
	}
	if n < 100 {
		t.Error("only", n, "examples")
	}
	if *update {
		if err := os.WriteFile(rfcFile, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
