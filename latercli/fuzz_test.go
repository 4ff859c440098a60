package latercli

import (
	"strings"
	"testing"
	"time"
)

// FuzzTime: a time on the command line means one moment, or is refused with an example.
func FuzzTime(f *testing.F) {
	for _, s := range []string{
		"", "2030-01-02T03:04:05Z", "2030-01-02T03:04:05.999999999+14:00", "2030-01-02 03:04:05", "2030-01-02 03:04", "2030-01-02", "2030-02-30", "9999-12-31T23:59:59Z",
		"0000-01-01", "10000-01-01", "2030-03-31 02:30", "tomorrow", "tomorrow 09:00", "fri 12:00", "monday 25:00", "10m", "3d12h", "1w", "-5m", "99999999999w", "in 5m", "1e9", "2030-01-02T03:04:60Z", "\x1b[31m", "2030-01-02T03:04:05-23:59", "9999-12-31T23:59:59-23:59",
	} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.Local)
	f.Fuzz(func(t *testing.T, s string) {
		at, err := parseTime(s, now)
		if err != nil {
			if !strings.Contains(err.Error(), "2006-01-02T15:04:05Z") {
				t.Errorf("no example: %v", err)
			}
			return
		}
		again, err := parseTime(at.Format(time.RFC3339Nano), now)
		if err != nil || !again.Equal(at) {
			t.Errorf("%q is %v, which is %v, %v", s, at, again, err)
		}
	})
}
