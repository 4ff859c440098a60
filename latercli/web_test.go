package latercli

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/laterjobs/later/dashboard"
)

// TestWebRefuses what would let in everybody, or means two things.
func TestWebRefuses(t *testing.T) {
	app := mounted(t)
	for line, says := range map[string]string{
		"web --listen 0.0.0.0:0":                                   "name a proxy",
		"web --user-header X-User":                                 "belong together",
		"web --proxy 10.0.0.7":                                     "belong together",
		"web --user-header X-User --proxy 10.0.0.0/99":             "no network",
		"web --user-header X-User --proxy everybody":               "is no address",
		"web --environment production --environment-color pinkish": "choose one of red, amber",
	} {
		if code, _, problems := app(strings.Fields(line)...); code != 2 || !strings.Contains(problems, says) {
			t.Errorf("%s: %d, %s", line, code, problems)
		}
	}
	t.Setenv("LATER_WEB_PASSWORD", "x")
	if code, _, problems := app("web", "--user-header", "X-User", "--proxy", "10.0.0.7"); code != 2 || !strings.Contains(problems, "choose one") {
		t.Errorf("two answers: %d, %s", code, problems)
	}
}

// TestWebBehindProxy lets in whom the proxy names, and nobody who does not come from it.
func TestWebBehindProxy(t *testing.T) {
	access, err := web{listen: "0.0.0.0:80", userHeader: "X-User", proxies: []string{"10.0.0.7", "fd00::/8"}}.access(dashboard.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	for from, in := range map[string]bool{"10.0.0.7:99": true, "10.0.0.8:99": false, "[fd00::1]:99": true, "[::1]:99": false, "[::ffff:10.0.0.7]:99": true} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = from
		r.Header.Set("X-User", "ana")
		user, err := access(r)
		if (err == nil) != in || in && (user.Name != "ana" || user.May != dashboard.ReadOnly) {
			t.Errorf("from %s: %+v, %v", from, user, err)
		}
	}
}
