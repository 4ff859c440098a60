package store

import "time"

// The times that every store can hold, to the microsecond. The first is not the zero
// time, which means none.
var (
	earliest = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
)

// Storable is the nearest time that every store can hold: years 1 to 9999.
func Storable(t time.Time) time.Time {
	switch {
	case t.Before(earliest):
		return earliest
	case t.After(latest):
		return latest
	}
	return t
}
