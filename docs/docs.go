// Package docs holds the documentation, so that a program can show the pages that belong
// to its version: see dashboard.Help.
package docs

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
)

//go:embed *.md
var pages embed.FS

// repository is where links lead that leave the documentation.
const repository = "https://github.com/laterjobs/later/blob/main/"

// markdown makes no style attributes, which the pages' security policy forbids. The pages
// are our own: what little HTML is in them may stay.
var markdown = goldmark.New(
	goldmark.WithExtensions(
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
		extension.TaskList,
	),
	goldmark.WithParserOptions(parser.WithAutoHeadingID()),
	goldmark.WithRendererOptions(html.WithUnsafe()),
)

// Names are the pages' names, such as "failures.md".
func Names() []string {
	names, err := fs.Glob(pages, "*.md")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	return names
}

// Page returns a page as HTML, and its title. An empty name means README.md, the table of
// contents. fs.ErrNotExist: there is no such page.
func Page(name string) (title string, body template.HTML, err error) {
	if name == "" {
		name = "README.md"
	}
	text, err := pages.ReadFile(name)
	if err != nil {
		return "", "", fmt.Errorf("page %q: %w", name, err)
	}
	title, _, _ = strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
	var rendered bytes.Buffer
	if err := markdown.Convert(outside(name, text), &rendered); err != nil {
		return "", "", fmt.Errorf("page %q: %w", name, err)
	}
	return title, template.HTML(finding.ReplaceAllString(rendered.String(), `<a id="$2"></a>$0`)), nil
}

// Text returns a page as it was written, in Markdown. fs.ErrNotExist: there is none.
func Text(name string) (string, error) {
	text, err := pages.ReadFile(name)
	return string(text), err
}

// Finding returns what the documentation says about the code of a finding, such as L104,
// in Markdown; empty: it knows none.
func Finding(code string) string {
	text, _ := Text("troubleshooting.md") // embedded: it is there
	_, section, found := strings.Cut(text, "\n### "+code+" ")
	if !found {
		return ""
	}
	section, _, _ = strings.Cut(section, "\n#")
	return code + " " + strings.TrimSpace(section) + "\n"
}

var (
	finding = regexp.MustCompile(`<h3 id="([^"]*)">(L\d{3}) `) // can be linked to by its code alone
	linkUp  = regexp.MustCompile(`\]\(\.\./([^)\s]+)\)`)
	picture = regexp.MustCompile(`!\[([^]]*)\]\(([^):\s]+)\)`)
)

// outside makes links that leave docs, and pictures, links to the repository. A diagram in
// the language of Mermaid is drawn there, and shown as it is written here.
func outside(name string, text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("```mermaid\n"), []byte("[See it drawn]("+repository+"docs/"+name+")\n\n```text\n"))
	text = linkUp.ReplaceAll(text, []byte("]("+repository+"$1)"))
	return picture.ReplaceAll(text, []byte("[$1]("+repository+"docs/$2)"))
}
