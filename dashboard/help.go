package dashboard

import (
	"errors"
	"html/template"
	"io/fs"
)

// Documents returns a page of the documentation by its name, such as "failures.md"; by an
// empty one the first page. fs.ErrNotExist or fs.ErrInvalid: there is none.
type Documents func(name string) (title string, body template.HTML, err error)

// Help serves documentation below help/ and links to it: docs.Page is that of this
// library. It is an option since few programs want it in them.
func Help(documents Documents) Option { return func(b *board) { b.documents = documents } }

// HasHelp reports whether there is something to link to.
func (v *view) HasHelp() bool { return v.board.documents != nil }

// Explained is where the documentation explains the code of a finding, from the root;
// empty: there is no documentation here.
func (v *view) Explained(code string) string {
	if !v.HasHelp() {
		return ""
	}
	return "help/troubleshooting.md#" + code
}

// help gathers a page of the documentation.
func (b *board) help(v *view) error {
	name := v.request.PathValue("name")
	if b.documents == nil {
		return notFound("This dashboard has no help.")
	}
	title, body, err := b.documents(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return notFound("The documentation has no page %q.", name)
	}
	if err != nil {
		return err
	}
	v.Title, v.Data = title, body
	return nil
}
