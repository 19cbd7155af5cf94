package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

var errDuration = errors.New(`want a time with its unit, such as "30s", "9m", "2h" or "30d"`)

// parseDuration reads what time.ParseDuration does, and whole days and weeks before it: "30d", "1w", "1d12h".
func parseDuration(text string) (time.Duration, error) {
	var total time.Duration
	rest := text
	for _, u := range []struct {
		unit string
		d    time.Duration
	}{{"w", 7 * day}, {"d", day}} {
		number, after, ok := strings.Cut(rest, u.unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			return 0, errDuration
		}
		total += time.Duration(n) * u.d // at most 65,535 weeks: no overflow
		if rest = after; rest == "" {
			return total, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || total+d < 0 {
		return 0, errDuration
	}
	return total + d, nil
}

// formatDuration writes what parseDuration reads, without zero parts.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	if days := d / day; days > 0 {
		b.WriteString(strconv.FormatInt(int64(days), 10) + "d")
		d %= day
	}
	if d == 0 {
		return b.String()
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return b.String() + text
}
