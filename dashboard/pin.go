package dashboard

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/laterjobs/later/internal/query"
)

// pin is a query of jobs that this browser keeps. Pins are in a cookie, as settings are.
type pin struct {
	Name  string `json:"n,omitempty"` // empty: the query itself
	Query string `json:"q"`
}

// What a browser keeps is bounded, since it comes with every request.
const (
	pinCookie   = "later_pins"
	mostPins    = 12
	mostPinName = 40   // bytes
	mostPinned  = 2600 // bytes of them all, before they are encoded
)

// Words are what its link says.
func (p pin) Words() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Query
}

// Link is the address of its list, from the page of jobs.
func (p pin) Link() string { return "?" + url.Values{"q": {p.Query}}.Encode() }

// pinsOf are those of a browser. What is no list of pins counts as none.
func pinsOf(r *http.Request) (pins []pin) {
	kept, err := r.Cookie(pinCookie)
	if err != nil {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(kept.Value)
	if err != nil || json.Unmarshal(text, &pins) != nil {
		return nil
	}
	pins = slices.DeleteFunc(pins, func(p pin) bool { return p.Query == "" })
	return pins[:min(len(pins), mostPins)]
}

// pinned finds a query among pins.
func pinned(pins []pin, query string) int {
	return slices.IndexFunc(pins, func(p pin) bool { return p.Query == query })
}

// savePin pins a query, or lets it go.
func (b *board) savePin(w http.ResponseWriter, r *http.Request) {
	v, err := b.newView(r, View, "pins")
	if err == nil {
		err = readForm(r)
	}
	notice := ""
	if err == nil {
		notice, err = pinOrNot(v, w)
	}
	if err != nil {
		b.fail(w, r, err)
		return
	}
	redirect(w, r, notice)
}

func pinOrNot(v *view, w http.ResponseWriter) (notice string, err error) {
	form, pins := v.request.PostForm, pinsOf(v.request)
	text := strings.TrimSpace(form.Get("q"))
	at := pinned(pins, text)
	if form.Get("do") == "unpin" {
		if at >= 0 {
			pins = slices.Delete(pins, at, at+1)
		}
		return "", keepPins(w, pins)
	}
	if _, err := query.Parse(text, v.Now); err != nil || text == "" {
		return "", badRequest("This query cannot be pinned: %q.", cut(text, 200))
	}
	name := strings.ToValidUTF8(cut(strings.TrimSpace(form.Get("name")), mostPinName), "")
	if at < 0 {
		if len(pins) == mostPins {
			return "", badRequest("Twelve queries are pinned already: let one of them go first.")
		}
		pins = append(pins, pin{Query: text})
		at = len(pins) - 1
	}
	pins[at].Name = name
	return "Pinned in this browser.", keepPins(w, pins)
}

func keepPins(w http.ResponseWriter, pins []pin) error {
	text, err := json.Marshal(pins)
	if err != nil {
		return err
	}
	if len(text) > mostPinned || !utf8.Valid(text) {
		return badRequest("The pinned queries are too long for a browser to keep: let one of them go first.")
	}
	keep(w, pinCookie, base64.RawURLEncoding.EncodeToString(text))
	return nil
}
