package later

import (
	"fmt"
	"time"

	"github.com/laterjobs/later/internal/query"
)

// ParseFilter reads the language in which people select jobs in the dashboard and on the
// command line, such as
//
//	status:failed,retrying type:Email* -tag:test args.user_id:42 queued:<2h "connection refused"
//
// docs/query.md describes it. Days and ages count from now, in its zone.
// ErrInvalidFilter names every term that does not fit, and what would.
func ParseFilter(text string, now time.Time) (Filter, error) {
	f, err := query.Parse(text, now)
	if err != nil {
		return Filter{}, fmt.Errorf("%w: %w", ErrInvalidFilter, err)
	}
	return f, nil
}
