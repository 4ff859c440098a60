package dashboard

import (
	"net/http"
	"slices"
	"time"
)

// look is how this browser wants to see the pages. It is kept in cookies, so that a
// page is right before anything is painted.
type look struct {
	Theme   string // system, light or dark
	Density string // compact or comfortable
	Zone    string // the name of a time zone
	Live    string // how often pages look for what is new at most, in seconds; off
	Keys    bool   // shortcuts of one key

	location *time.Location
}

var (
	themes    = []string{"system", "light", "dark"}
	densities = []string{"compact", "comfortable"}
	lives     = []string{"1", "5", "15", "60", "off"}
)

func lookOf(r *http.Request) look {
	l := look{
		Theme: cookie(r, "later_theme", themes...), Density: cookie(r, "later_density", densities...),
		Live: cookie(r, "later_live", lives...), Keys: cookie(r, "later_keys", "on", "off") == "on",
		Zone: "UTC", location: time.UTC,
	}
	if c, err := r.Cookie("later_zone"); err == nil {
		if location, err := zone(c.Value); err == nil {
			l.Zone, l.location = location.String(), location
		}
	}
	return l
}

// zone finds a time zone by its name. "Local" would be the server's, which says
// nothing to whoever looks.
func zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return time.UTC, nil
	}
	return time.LoadLocation(name)
}

// cookie is the value of a cookie if it is one of known; else the first of them.
func cookie(r *http.Request, name string, known ...string) string {
	if c, err := r.Cookie(name); err == nil && slices.Contains(known, c.Value) {
		return c.Value
	}
	return known[0]
}

func (l look) time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(l.location).Format("2006-01-02 15:04:05 MST")
}
