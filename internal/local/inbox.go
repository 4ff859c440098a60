package local

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/http"
	"slices"
	"strings"

	"github.com/laterjobs/later/dashboard"
)

// inbox shows the mails that the Mailbox has taken, the newest first, to whoever
// may see the dashboard.
func inbox(access dashboard.Access, mails *Mailbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := access(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'sha256-"+inboxStyleSum+"'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Type", "text/html; charset=utf-8")
		count, list := mails.Taken()
		slices.Reverse(list)
		_ = inboxPage.Execute(w, map[string]any{"Count": count, "Mails": list}) // whoever has gone away does not miss it
	})
}

// inboxStyle has the colours of the dashboard. The policy of the page names its hash.
const inboxStyle = `
:root { color-scheme: light dark; --line: light-dark(#dfe2e7, #2b323a); --muted: light-dark(#555c66, #a3acb8); --link: light-dark(#0b5cad, #7ab8ff); --surface: light-dark(#f6f7f9, #181d23); }
body { margin: 0; background: light-dark(#fff, #101418); color: light-dark(#16191d, #e7eaee); font: 14px/20px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 820px; margin: 0 auto; padding: 20px 24px 32px; }
a { color: var(--link); } h1 { margin: 12px 0 4px; font-size: 18px; line-height: 24px; } p { margin: 0 0 16px; color: var(--muted); }
details { border-top: 1px solid var(--line); } details:last-of-type { border-bottom: 1px solid var(--line); }
summary { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) auto; gap: 0 16px; padding: 8px 4px; cursor: pointer; overflow-wrap: anywhere; }
summary:hover { background: var(--surface); } summary span, summary time { color: var(--muted); } b { font-weight: 600; }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
pre { margin: 0 0 12px; padding: 10px 12px; border: 1px solid var(--line); border-radius: 6px; background: var(--surface); font: 12.5px/18px ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 640px) { summary { grid-template-columns: minmax(0, 1fr) auto; } summary span { grid-row: 2; } }
`

var inboxStyleSum = func() string {
	sum := sha256.Sum256([]byte(inboxStyle))
	return base64.StdEncoding.EncodeToString(sum[:])
}()

var inboxPage = template.Must(template.New("mail").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>Mail · later</title>
<style>` + inboxStyle + `</style></head>
<body><main><a href="../">Dashboard</a><h1>Mail</h1><p>{{.Count}} so far. Nothing leaves this machine.</p>
{{range .Mails}}<details><summary><b>{{.Subject}}</b><span>{{.To}}</span><time>{{.At.Format "15:04:05"}}</time></summary><pre>{{.Body}}</pre></details>
{{else}}<p>No mail yet.</p>{{end}}</main></body></html>
`))

// decoded is a header as it was written before it was put into ASCII.
func decoded(header string) string {
	if text, err := new(mime.WordDecoder).DecodeHeader(header); err == nil {
		return text
	}
	return header
}

// readable undoes the encoding of a body.
func readable(body []byte, encoding string) string {
	var from io.Reader = bytes.NewReader(body)
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		from = quotedprintable.NewReader(from)
	case "base64":
		from = base64.NewDecoder(base64.StdEncoding, from)
	}
	text, err := io.ReadAll(from)
	if err != nil && len(text) == 0 {
		return string(body)
	}
	return strings.ToValidUTF8(string(text), "\uFFFD")
}
