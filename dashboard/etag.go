package dashboard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// clocks are the parts of a page that change with time alone.
var clocks = regexp.MustCompile(`(?s)<time\b[^>]*>.*?</time>| data-now="[0-9]+"`)

// freshFor is how long a page counts as the same although its clocks have gone on.
const freshFor = 30 * time.Second

// tag names what a page shows. Two that differ by "3 s ago" alone have the same, for a
// while: the script lets the clocks of a page go on by itself.
func tag(page []byte, now time.Time) string {
	sum := sha256.New()
	sum.Write(clocks.ReplaceAll(page, nil))
	fmt.Fprint(sum, now.Unix()/int64(freshFor/time.Second))
	return `"` + hex.EncodeToString(sum.Sum(nil)[:12]) + `"`
}

// has reports whether whoever asks has the page already. A proxy that compresses it may
// have weakened the tag.
func has(r *http.Request, tag string) bool {
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == tag {
			return true
		}
	}
	return false
}
