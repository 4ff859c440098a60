package query

import (
	"slices"
	"strings"

	"github.com/laterjobs/later/internal/nearest"
)

// otherNames are words that people know from elsewhere.
var otherNames = map[string]string{
	"state": "status", "kind": "type", "class": "type", "worker": "process", "label": "tag", "tags": "tag", "attempts": "attempt", "retries": "attempt",
	"created": "queued", "enqueued": "queued", "due": "runs", "duration": "took", "arg": "args.NAME", "args": "args.NAME", "meta": "metadata.NAME",
	"success": "completed", "succeeded": "completed", "done": "completed", "dead": "failed", "error": "failed", "ready": "pending", "queued": "pending",
}

// didYouMean is a suggestion for an unknown name; empty if none is close.
func didYouMean(name string, names []string) string {
	meant := otherNames[strings.ToLower(name)]
	if !slices.Contains(names, meant) {
		meant = nearest.Name(name, names)
	}
	if meant == "" || len(name) < 3 {
		return ""
	}
	return ": did you mean " + meant + "?"
}
