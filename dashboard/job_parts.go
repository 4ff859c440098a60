package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// documentParts are the documents of a job.
var documentParts = []struct {
	name string
	raw  func(*later.Job) json.RawMessage
	of   func(*jobPage) *document
}{
	{"args", func(j *later.Job) json.RawMessage { return j.Args }, func(p *jobPage) *document { return &p.Args }},
	{"result", func(j *later.Job) json.RawMessage { return j.Result }, func(p *jobPage) *document { return &p.Result }},
	{"metadata", func(j *later.Job) json.RawMessage { return j.Metadata }, func(p *jobPage) *document { return &p.Metadata }},
}

// jobDocument answers with a whole document of a job, for those who may see it, as a file.
func (b *board) jobDocument(name string, raw func(*later.Job) json.RawMessage) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := b.newView(r, View, "document")
		if err == nil {
			err = v.need(ViewArgs)
		}
		var id int64
		if err == nil {
			id, err = idOf(v, "job")
		}
		var jobs []later.Job
		if err == nil {
			var job later.Job
			if job, err = b.queue.Get(r.Context(), id); err == nil {
				jobs, err = b.queue.Redact(r.Context(), job)
			}
		}
		if err == nil && len(raw(&jobs[0])) == 0 {
			err = notFound("Job %d has no %s.", id, name)
		}
		if err != nil {
			b.fail(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="job-%d-%s.json"`, id, name))
		_, _ = w.Write(raw(&jobs[0])) // whoever has gone away does not miss it
	}
}

// stepRow is what a job remembers of a part of its work.
type stepRow struct {
	later.JobStep
}

// What is its kind in words.
func (s stepRow) What() string {
	switch s.Kind {
	case store.StepCursor:
		return "how far a loop is"
	case store.StepSleep:
		return "sleeps until"
	}
	return "done"
}

// Short is the beginning of its result.
func (s stepRow) Short() string { return cut(plainly(s.Result), 200) }

func (b *board) stepsOf(v *view, id int64) (rows []stepRow, err error) {
	steps, err := b.queue.Steps(v.context(), id)
	for _, step := range steps {
		if !v.User.Can(ViewArgs) {
			step.Result = nil
		}
		rows = append(rows, stepRow{step})
	}
	return rows, err
}

// JobLink adds a link to the page of each job, such as to its lines in your logs or to its
// trace: its words, and what returns the address for a job; empty: none. Of the job it sees
// what the user may see.
func JobLink(words string, address func(later.Job) string) Option {
	return func(b *board) { b.jobLinks = append(b.jobLinks, jobLinker{words, address}) }
}

type jobLinker struct {
	words   string
	address func(later.Job) string
}

// jobLink is one of a job's.
type jobLink struct{ Words, To string }

func (b *board) linksOf(job later.Job) (links []jobLink) {
	for _, l := range b.jobLinks {
		if to := l.address(job); to != "" {
			links = append(links, jobLink{l.words, to})
		}
	}
	return links
}
