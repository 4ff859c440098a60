package dashboard

import (
	"slices"
	"strings"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
	"github.com/laterjobs/later/store"
)

// suggestMost bounds how many types, arguments and tags are suggested.
const suggestMost = 60

// suggestions are queries that narrow the one that there is by one term more. jobs are
// those that it has found. The script lets them go on from what is typed.
func (b *board) suggestions(v *view, text string, jobs []later.Job) ([]string, error) {
	types, err := b.queue.KnownTypes(v.context())
	if err != nil {
		return nil, err
	}
	asked, err := query.Parse(text, v.Now)
	if err != nil {
		return nil, nil // it cannot be read: nothing goes on from it
	}
	operations, err := b.queue.Operations(v.context(), later.OperationFilter{Limit: 3})
	if err != nil {
		return nil, err
	}
	var whole []string
	for _, term := range slices.Concat(valueTerms(types), argumentTerms(types, asked.Type, v.User), tagTerms(jobs), operationTerms(operations), fieldTerms) {
		field, _, _ := strings.Cut(term, ":")
		if len(asked.Status) > 0 && field == "status" || asked.Type != "" && field == "type" || asked.Queue != "" && field == "queue" || asked.Operation != 0 && field == "op" {
			continue
		}
		whole = append(whole, strings.TrimSpace(text+" "+term))
	}
	return whole, nil
}

// fieldTerms are terms to go on writing, and a few that are whole.
var fieldTerms = []string{
	"queued:<2h", "finished:<1h", "took:>30s", "attempt:>1", "error:timeout",
	"user:", "target:", "tag:", "-tag:", "error:", "text:", "id:", "key:", "schedule:", "process:", "priority:", "crashes:>0",
	"queued:", "started:", "finished:", "runs:<1h", "took:",
}

// valueTerms are the statuses, the types and the queues that are known.
func valueTerms(types []store.JobType) (terms []string) {
	for _, status := range usedStatuses {
		terms = append(terms, query.Term("status", string(status)))
	}
	var queues []string
	for _, t := range types[:min(len(types), suggestMost)] {
		terms = append(terms, query.Term("type", t.Name))
		if t.Queue != "" && !slices.Contains(queues, t.Queue) {
			queues = append(queues, t.Queue)
		}
	}
	for _, name := range queues {
		terms = append(terms, query.Term("queue", name))
	}
	return terms
}

// argumentTerms are the arguments that the schemas describe, of one type or of all, for
// those who may ask for them.
func argumentTerms(types []store.JobType, only string, user User) (terms []string) {
	if !user.Can(ViewArgs) {
		return nil
	}
	for _, t := range types {
		if only != "" && t.Name != only {
			continue
		}
		for _, f := range fieldsOf(t.Schema) {
			term := "args." + strings.Join(f.within, ".") + ":"
			if plain := !strings.ContainsAny(term, ` ",*`) && strings.Count(term, ":") == 1; plain && !slices.Contains(terms, term) && len(terms) < suggestMost {
				terms = append(terms, term)
			}
		}
	}
	return terms
}

// tagTerms are the tags of the jobs that are shown.
func tagTerms(jobs []later.Job) (terms []string) {
	for _, job := range jobs {
		for _, tag := range job.Tags {
			if term := query.Term("tag", tag); !slices.Contains(terms, term) && len(terms) < suggestMost {
				terms = append(terms, term)
			}
		}
	}
	return terms
}

// operationTerms are the jobs of operations.
func operationTerms(operations []later.Operation) (terms []string) {
	for _, o := range operations {
		if term := query.OfOperation(o); term != "" {
			terms = append(terms, term)
		}
	}
	return terms
}
