package dashboard

import "context"

// Alert shows what text returns on every page, until it returns none: for what whoever
// looks at the dashboard should know, such as a maintenance. It is asked for each page,
// and once a second while somebody looks; it must not block.
func Alert(text func() string) Option { return func(b *board) { b.alert = text } }

// Alert is what the page shows before anything else; empty: nothing.
func (v *view) Alert() string { return v.board.alert() }

// revision changes with whatever a page may show.
func (b *board) revision(ctx context.Context) (string, error) {
	stored, err := b.queue.Revision(ctx)
	return stored + b.alert(), err
}

func noAlert() string { return "" }
