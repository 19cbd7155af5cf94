package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes.
type Size int64

// sizes are the units of a Size; those without "i" are powers of 1000.
var sizes = []struct {
	unit  string
	bytes int64
}{
	{"TiB", 1 << 40},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"TB", 1e12},
	{"GB", 1e9},
	{"MB", 1e6},
	{"kB", 1e3},
	{"KB", 1e3},
	{"B", 1},
}

var errSize = errors.New(`want a size such as "500MB", "2GiB" or "0"`)

// UnmarshalText reads "2GiB", "1.5 MB" or "4096".
func (s *Size) UnmarshalText(text []byte) error {
	number, factor := string(text), int64(1)
	for _, u := range sizes {
		if rest, ok := strings.CutSuffix(number, u.unit); ok {
			number, factor = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	if strings.Trim(number, "0123456789.") != "" {
		return errSize
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return errSize
	}
	if value *= float64(factor); value > math.MaxInt64/2 || value != math.Trunc(value) {
		return errSize
	}
	*s = Size(value)
	return nil
}

// String returns s in the largest unit that divides it.
func (s Size) String() string {
	for _, u := range sizes[:4] {
		if s != 0 && int64(s)%u.bytes == 0 {
			return fmt.Sprintf("%d%s", int64(s)/u.bytes, u.unit)
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText returns String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
