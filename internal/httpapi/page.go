package httpapi

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// row is something in a list that is sorted by key, and by name where that is the same.
type row[T any] struct {
	key, name string
	value     T
}

// page sorts rows and returns those after the cursor, and the cursor for those after them: "" at the end. A cursor is a place
// between rows, so what comes and goes meanwhile moves no others from one page to the next.
func page[T any](rows []row[T], descending bool, cursor string, limit int) ([]T, string, error) {
	order := func(a, b row[T]) int {
		c := cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.name, b.name))
		if descending {
			return -c
		}
		return c
	}
	slices.SortFunc(rows, order)
	first := 0
	if cursor != "" {
		key, name, err := readCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		at, found := slices.BinarySearchFunc(rows, row[T]{key: key, name: name}, order)
		if first = at; found {
			first++
		}
	}
	end := min(first+limit, len(rows))
	out := make([]T, 0, end-first)
	for _, r := range rows[first:end] {
		out = append(out, r.value)
	}
	next := ""
	if end < len(rows) {
		next = makeCursor(rows[end-1].key, rows[end-1].name)
	}
	return out, next, nil
}

func makeCursor(key, name string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(key + "\x00" + name))
}

func readCursor(cursor string) (key, name string, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	key, name, ok := strings.Cut(string(text), "\x00")
	if err != nil || !ok {
		return "", "", fmt.Errorf("it is not one that this API has given: leave it out to begin at the start")
	}
	return key, name, nil
}

// Keys that sort like what they stand for.
func keyOfTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return keyOfNumber(t.UnixMilli())
}

func keyOfNumber(n int64) string { return fmt.Sprintf("%020d", n) }
