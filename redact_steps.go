package later

import (
	"bytes"
	"encoding/json"
	"reflect"
	"sync"

	"github.com/laterjobs/later/internal/redact"
)

// marked is the stored form of a step's result that has fields which are not to be shown:
// whoever shows it does not know its type, as it does those of arguments and results.
type marked struct {
	Marked struct {
		Schema json.RawMessage `json:"schema"`
		Value  json.RawMessage `json:"value"`
	} `json:"later:redact"`
}

// markedPrefix begins every such form.
const markedPrefix = `{"later:redact":`

// secretSchemas are those of types with fields that are not to be shown, and nil for others.
var secretSchemas sync.Map // by reflect.Type

func withMarks(t reflect.Type, raw json.RawMessage) json.RawMessage {
	if t == nil {
		return raw
	}
	schema, known := secretSchemas.Load(t)
	if !known {
		var of json.RawMessage
		if redact.Has(t) {
			of = schemaOrNothing(t)
		}
		schema, _ = secretSchemas.LoadOrStore(t, of)
	}
	if schema.(json.RawMessage) == nil {
		return raw
	}
	var m marked
	m.Marked.Schema, m.Marked.Value = schema.(json.RawMessage), raw
	whole, err := json.Marshal(m)
	if err != nil {
		return raw // both are JSON
	}
	return whole
}

// withoutMarks is the result itself.
func withoutMarks(raw json.RawMessage) json.RawMessage {
	if m, ok := readMarked(raw); ok {
		return m.Marked.Value
	}
	return raw
}

// redactStep is the result as it may be shown.
func redactStep(raw json.RawMessage) json.RawMessage {
	if m, ok := readMarked(raw); ok {
		return redact.JSON(m.Marked.Schema, m.Marked.Value)
	}
	return raw
}

func readMarked(raw json.RawMessage) (m marked, ok bool) {
	if !bytes.HasPrefix(raw, []byte(markedPrefix)) {
		return m, false
	}
	err := json.Unmarshal(raw, &m)
	return m, err == nil && len(m.Marked.Value) > 0
}
