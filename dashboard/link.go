package dashboard

import "strings"

// Link adds a link to the head of every page, such as to your logs: its words, and an
// address, absolute or from the first page of the dashboard.
func Link(words, address string) Option {
	return func(b *board) { b.links = append(b.links, link{words, address}) }
}

type link struct{ Words, address string }

// Links are those that lead away from here.
func (v *view) Links() []link { return v.board.links }

// To is the address of a link from this page.
func (v *view) To(l link) string {
	if strings.HasPrefix(l.address, "/") || strings.Contains(l.address, "://") {
		return l.address
	}
	return v.Root + l.address
}
