package local

import (
	"bytes"
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
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Type", "text/html; charset=utf-8")
		count, list := mails.Taken()
		slices.Reverse(list)
		_ = inboxPage.Execute(w, map[string]any{"Count": count, "Mails": list}) // whoever has gone away does not miss it
	})
}

var inboxPage = template.Must(template.New("mail").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>Mail · later</title></head>
<body><main><p><a href="../">Dashboard</a></p><h1>Mail</h1><p>{{.Count}} so far. Nothing leaves this machine.</p>
{{range .Mails}}<details><summary><b>{{.Subject}}</b> to {{.To}}, {{.At.Format "15:04:05"}}</summary><pre>{{.Body}}</pre></details>
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
