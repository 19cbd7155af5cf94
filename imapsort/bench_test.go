package imapsort_test

import (
	"fmt"
	"testing"

	"github.com/pushmail/pushmail/imapsort"
)

// mailbox has discussions of twelve messages each, whose references are complete.
func mailbox(n int) []imapsort.Message {
	return each(n, func(i int) (references []string) {
		for k := i / 12 * 12; k < i; k++ {
			references = append(references, name(k))
		}
		return references
	})
}

func BenchmarkThread(b *testing.B) {
	messages := mailbox(100_000)
	for i := range messages {
		messages[i].Subject = fmt.Sprint("Re: subject ", i/12)
	}
	for _, algorithm := range algorithms {
		b.Run(algorithm, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				thread(b, messages, algorithm)
			}
		})
	}
}

func BenchmarkSort(b *testing.B) {
	messages := mailbox(100_000)
	for _, keys := range []string{"DATE", "SUBJECT", "FROM REVERSE DATE"} {
		b.Run(keys, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := imapsort.Sort(messages, sortKeys(keys), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
