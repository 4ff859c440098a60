package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// asJSON marks requests for the data of a page instead of its HTML.
type asJSON struct{}

// withJSON takes ".json" after the address of a page for a wish: /jobs.json is the data
// of /jobs/, /jobs/7.json that of /jobs/7, and /index.json that of the first page.
func withJSON(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, wished := strings.CutSuffix(r.URL.EscapedPath(), ".json")
		if !wished || r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(page, "/assets/") {
			next.ServeHTTP(w, r)
			return
		}
		if page == "/index" {
			page = "/"
		} else if strings.Count(page, "/") == 1 {
			page += "/"
		}
		path, err := url.PathUnescape(page)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), asJSON{}, true))
		address := *r.URL
		address.Path, address.RawPath = path, page
		r.URL = &address
		next.ServeHTTP(w, r)
	})
}

func wishesJSON(r *http.Request) bool { return r.Context().Value(asJSON{}) != nil }

// answerJSON writes the data of a page, or what is wrong.
func (b *board) answerJSON(w http.ResponseWriter, r *http.Request, status int, v *view) {
	var data any = v.Data
	if v.Problem != nil {
		data = map[string]any{"error": map[string]string{"title": v.Problem.Title, "text": v.Problem.Text}}
	}
	text, err := json.Marshal(data)
	if err != nil {
		b.log.ErrorContext(r.Context(), "the data of a page do not encode", "page", v.Page, "error", err)
		http.Error(w, "This page failed: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // whoever has gone away does not miss it
}
