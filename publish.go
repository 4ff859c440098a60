package later

import (
	"encoding/json"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/redact"
	"github.com/laterjobs/later/store"
)

// jobType is what a process publishes of the definition.
func (d *definition) jobType() store.JobType {
	t := store.JobType{
		Name: d.name, Description: d.description, Queue: d.queue, Priority: d.priority,
		MaxRetries: d.maxRetries, Timeout: d.timeout, Schema: d.published(),
		StartWithin: d.limits().startWithin, FinishWithin: d.limits().finishWithin,
	}
	if d.uniqueness != nil && d.uniqueness.By != "" {
		t.Unique = &d.uniqueness.UniqueRule
	}
	return t
}

// published is the schema of the arguments with what else others must know to treat
// the type's secrets as such.
type published struct {
	Encrypted bool            `json:"x-later-encrypted,omitempty"` // nobody without the keys can enqueue
	Former    []string        `json:"x-later-formerly,omitempty"`  // names of older jobs, if some of their fields are not to be shown
	Result    json.RawMessage `json:"x-later-result,omitempty"`    // schema of the results, if some of their fields are not to be shown
}

func readPublished(schema json.RawMessage) (p published) {
	_ = json.Unmarshal(schema, &p) // a schema that somebody else has written says nothing of this
	return p
}

// publishedSchema is nil for a type that has no schema: enqueueing by name then checks
// less; typed calls check all.
func (d *definition) publishedSchema() json.RawMessage {
	p := published{Encrypted: d.keys != nil}
	if d.result != nil && redact.Has(d.result) {
		p.Result = schemaOrNothing(d.result)
	}
	if redact.Has(d.args) || p.Result != nil {
		p.Former = d.former
	}
	schema := schemaOrNothing(d.args)
	extra, err := json.Marshal(p)
	if err != nil || string(extra) == "{}" {
		return schema
	}
	merged := map[string]json.RawMessage{}
	_ = json.Unmarshal(schema, &merged) // ours, or nothing
	if err := json.Unmarshal(extra, &merged); err != nil {
		return schema
	}
	both, err := arguments.Encode(merged)
	if err != nil {
		return schema
	}
	return both
}
