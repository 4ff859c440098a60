package query

import (
	"slices"
	"strings"

	"github.com/laterjobs/later/internal/nearest"
)

// otherNames are words that people know from elsewhere.
var otherNames = map[string]string{
	"state": "status", "kind": "type", "class": "type", "worker": "process", "label": "tag", "tags": "tag", "attempts": "attempt", "retries": "attempt",
	"created": "queued", "enqueued": "queued", "due": "runs", "duration": "took", "arg": "args.NAME", "args": "args.NAME", "meta": "metadata.NAME", "operation": "op",
	"success": "completed", "succeeded": "completed", "done": "completed", "dead": "failed", "error": "failed", "ready": "pending", "queued": "pending",
}

// choices is what to write instead of an unknown name: the one that was probably meant,
// and all that there are.
func choices(name string, names []string) string {
	meant := otherNames[strings.ToLower(name)]
	if !slices.Contains(names, meant) {
		meant = nearest.Name(name, names)
	}
	if meant == "" || len(name) < 3 {
		return ": choose one of " + strings.Join(names, ", ")
	}
	return ": did you mean " + meant + "? Choose one of " + strings.Join(names, ", ")
}
