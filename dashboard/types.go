package dashboard

import (
	"slices"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

type typesPage struct{ Types []store.JobType }

func (b *board) types(v *view) error {
	v.Title = "Types"
	types, err := b.queue.PublishedTypes(v.context())
	if err != nil {
		return err
	}
	v.Data = &typesPage{types}
	return nil
}

type typePage struct {
	store.JobType
	Schema document
	Jobs   []jobRow
}

func (b *board) oneType(v *view) error {
	name := v.request.PathValue("name")
	v.Title = name
	types, err := b.queue.PublishedTypes(v.context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(types, func(t store.JobType) bool { return t.Name == name })
	if i < 0 {
		return notFound("No process has published a type %q.", name)
	}
	jobs, err := b.queue.List(v.context(), later.Filter{Type: name, Limit: 10})
	if err == nil {
		jobs, err = b.queue.Redact(v.context(), jobs...)
	}
	if err != nil {
		return err
	}
	page := &typePage{JobType: types[i], Schema: render(types[i].Schema)}
	for _, job := range jobs {
		page.Jobs = append(page.Jobs, v.row(job))
	}
	v.Data = page
	return nil
}
