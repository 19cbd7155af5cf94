package imapwire

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// rfcFile has the responses in the examples of the RFCs, in blocks: "== RFC number", then each response as
// it is printed there (with its lines joined, and what the errata say), and after "-> " what it means. Lines after
// a literal header start with "| "; where the RFC leaves out content, the size is that of what is there.
const rfcFile = "testdata/rfc.txt"

// testResponses are the responses in a file of test data, quirkFile or rfcFile.
func testResponses(t testing.TB, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if more, ok := strings.CutPrefix(line, "|"); ok { // of a literal
			all[len(all)-1] += "\r\n" + strings.TrimPrefix(more, " ")
			continue
		}
		if !strings.HasPrefix(line, "-> ") && !strings.HasPrefix(line, "== ") {
			all = append(all, quirkChars.Replace(line))
		}
	}
	return all
}

func TestExamplesOfTheRFCs(t *testing.T) {
	data, err := os.ReadFile(rfcFile)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var block, in string
	n, literals := 0, 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		want, isWant := strings.CutPrefix(line, "-> ")
		switch {
		case strings.HasPrefix(line, "== "):
			block = line[3:]
		case strings.HasPrefix(line, "|"):
			literals++
			in += "\r\n" + strings.TrimPrefix(line[1:], " ")
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
	if n < 100 || literals < 50 {
		t.Error("only", n, "examples, with", literals, "lines of literals")
	}
	if *update {
		if err := os.WriteFile(rfcFile, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
