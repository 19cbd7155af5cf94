package pushmail_test

import (
	"fmt"
	"testing"
)

// recorder is a testing.TB whose Fatal ends the calling function and is kept.
type recorder struct {
	testing.TB
	message string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatal(args ...any) {
	r.message = fmt.Sprint(args...)
	panic(r)
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

// failure returns the message with which f failed its test, empty when it did not.
func failure(f func(testing.TB)) (message string) {
	r := &recorder{}
	defer func() {
		if p := recover(); p != nil && p != any(r) {
			panic(p)
		}
		message = r.message
	}()
	f(r)
	return
}
