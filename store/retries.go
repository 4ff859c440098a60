package store

import (
	"encoding/json"
	"maps"
)

// RetriesText is the counts of Attempt.RuleRetries as a store keeps them, a JSON
// object; empty: none.
func RetriesText(counts map[string]int) string {
	if len(counts) == 0 {
		return ""
	}
	text, err := json.Marshal(counts)
	if err != nil {
		return "" // names and numbers do not fail to encode
	}
	return string(text)
}

// RetriesOf reads what RetriesText has written; nil where there is nothing. Of a row
// that somebody has written by hand it takes what can be read.
func RetriesOf(text []byte) map[string]int {
	if len(text) == 0 {
		return nil
	}
	var counts map[string]int
	_ = json.Unmarshal(text, &counts) // what does not fit is left out
	maps.DeleteFunc(counts, func(_ string, n int) bool { return n <= 0 })
	if len(counts) == 0 {
		return nil
	}
	return counts
}
