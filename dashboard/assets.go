package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"path"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
)

//go:embed assets templates
var files embed.FS

// assets are the script, the style and the icons by their names, which change with
// what is in them: browsers may keep them for ever.
var assets, assetNames = loadAssets()

func loadAssets() (contents map[string][]byte, names map[string]string) {
	contents, names = map[string][]byte{}, map[string]string{}
	add := func(file string, content []byte) {
		sum := sha256.Sum256(content)
		extension := path.Ext(file)
		name := strings.TrimSuffix(file, extension) + "-" + hex.EncodeToString(sum[:6]) + extension
		contents[name], names[file] = content, name
	}
	entries, err := files.ReadDir("assets")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, entry := range entries {
		content, err := files.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(err)
		}
		add(entry.Name(), content)
	}
	for n := 1; n <= mostOnIcon; n++ {
		digit := strconv.Itoa(n)
		if n == mostOnIcon {
			digit = "+"
		}
		content := bytes.Replace(contents[names["icon-problems.svg"]], []byte("</svg>"),
			[]byte(`<text x="11.5" y="7.6" text-anchor="middle" font-family="sans-serif" font-weight="700" font-size="8" fill="#fff">`+digit+`</text></svg>`), 1)
		add("icon-"+strconv.Itoa(n)+".svg", content)
	}
	return contents, names
}

// mostOnIcon is how many problems an icon does not count any more.
const mostOnIcon = 10

// Icon is that of the page in the browser: with how much needs a person, as far as that has
// one digit.
func (v *view) Icon() string {
	if n := min(v.Problems(), mostOnIcon); n > 0 {
		return v.Link("assets/", assetNames["icon-"+strconv.Itoa(n)+".svg"])
	}
	return v.Link("assets/", assetNames["icon.svg"])
}

func asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, found := assets[name]
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	_, _ = w.Write(content)
}

// templates are the pages; each is a template of its own name.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"asset":  func(name string) string { return "assets/" + assetNames[name] },
	"number": number,
	"least":  atLeast,
	"size":   size,
	"short":  short,
	"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
	"plural": plural,
	"explain": func(status any) string {
		for known, text := range sentences {
			if string(known) == fmt.Sprint(status) {
				return text
			}
		}
		return ""
	},
	"statuses": func() []later.JobStatus { return usedStatuses },
	"emptyOf":  emptyOf,
	"cut":      cut,
	"len64":    func(list any) int64 { return int64(reflect.ValueOf(list).Len()) },
	"int64":    func(n int) int64 { return int64(n) },
	"sum":      func(a, b int64) int64 { return a + b },
	"attempts": func(retries int) string { return number(int64(retries) + 1) },
	"hasBulk":  func(data any) bool { _, ok := data.(*jobsPage); return ok },
	"jobsOf":   func(terms ...string) string { return "jobs/?q=" + escape(strings.Join(terms, " ")) },
	"bulkOf":   bulkOf,
	"listed":   listedBy,
	"term":     query.Term,
	"page":     pageOf,
	"rule":     ruleText,
	"levels":   func() []string { return levels },
	"pair":     func(v *view, data any) map[string]any { return map[string]any{"V": v, "D": data} },
}).ParseFS(files, "templates/*.html"))
