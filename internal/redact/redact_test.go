package redact_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/redact"
)

type card struct {
	Number string `json:"number" later:"redact"`
	Holder string `json:"holder"`
}

type token struct {
	Value string `json:"value"`
}

type own struct {
	Inner string `later:"redact"`
}

func (o own) MarshalText() ([]byte, error) { return []byte(o.Inner), nil }

type order struct {
	ID      int64             `json:"id"`
	PIN     int               `json:"pin" later:"redact"`
	Card    card              `json:"card"`
	Backup  *card             `json:"backup,omitempty"`
	Cards   []card            `json:"cards"`
	Wallets map[string]card   `json:"wallets"`
	Nested  map[string][]card `json:"nested"`
	Whole   map[string]any    `json:"whole" later:"redact"`
	When    time.Time         `json:"when"`
	Own     own               `json:"own"`
	card
	token `later:"redact"`
}

func schemaOf[T any](t *testing.T) json.RawMessage {
	t.Helper()
	schema, err := arguments.Schema(reflect.TypeFor[T]())
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestJSON(t *testing.T) {
	schema := schemaOf[order](t)
	for _, c := range []struct{ raw, want string }{
		{`{"id":1,"pin":1234}`, `{"id":1,"pin":"[redacted]"}`},
		{`{"pin":1,"PIN":2,"pin":[3]}`, `{"pin":"[redacted]","PIN":"[redacted]","pin":"[redacted]"}`},
		{`{ "card" : {"number": "4242", "holder":"Ada"} }`, `{"card":{"number":"[redacted]","holder":"Ada"}}`},
		{`{"backup":{"Number":"4242"}}`, `{"backup":{"Number":"[redacted]"}}`},
		{`{"backup":null}`, `{"backup":null}`},
		{`{"cards":[{"number":"1"},{"number":"2"},null]}`, `{"cards":[{"number":"[redacted]"},{"number":"[redacted]"},null]}`},
		{`{"wallets":{"a":{"number":"1"}}}`, `{"wallets":{"a":{"number":"[redacted]"}}}`},
		{`{"nested":{"a":[{"number":"1"}]}}`, `{"nested":{"a":[{"number":"[redacted]"}]}}`},
		{`{"whole":{"a":[1]}}`, `{"whole":"[redacted]"}`},
		{`{"number":"1","holder":"Ada"}`, `{"number":"[redacted]","holder":"Ada"}`}, // embedded
		{`{"value":"1"}`, `{"value":"[redacted]"}`},                                 // embedded and tagged
		{`{"own":"secret"}`, `{"own":"[redacted]"}`},                                // encodes itself
		{`{"card":"4242"}`, `{"card":"[redacted]"}`},                                // of another shape
		{`{"card":[{"number":"4242"}]}`, `{"card":"[redacted]"}`},
		{`{"cards":{"number":"4242"}}`, `{"cards":"[redacted]"}`},
		{`"4242"`, `"[redacted]"`},
		{`{"card":{"number":"4242"`, `"[redacted]"`},
		{`{"later:encrypted":{"v":1}}`, `{"later:encrypted":{"v":1}}`},
		{``, ``},
	} {
		if got := string(redact.JSON(schema, json.RawMessage(c.raw))); got != c.want {
			t.Errorf("%s: %s, want %s", c.raw, got, c.want)
		}
	}
	if raw := `{"pin": 1}`; string(redact.JSON(schemaOf[token](t), json.RawMessage(raw))) != raw {
		t.Error("a type without marks was changed")
	}
}

func TestSchemaMarks(t *testing.T) {
	schema := string(schemaOf[order](t))
	if !strings.Contains(schema, `"pin":{"type":"integer","writeOnly":true,"x-redact":true}`) {
		t.Errorf("schema: %s", schema)
	}
}

func TestPointed(t *testing.T) {
	schema := schemaOf[order](t)
	for path, want := range map[string]bool{
		"id": false, "pin": true, "card": true, "card/number": true, "card/holder": false, "cards/3/number": true, "whole/a/b": true, "when": false,
	} {
		if got := redact.Pointed(schema, strings.Split(path, "/")); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestAt(t *testing.T) {
	for path, want := range map[string]bool{
		"ID": false, "PIN": true, "Card": true, "Card/Number": true, "Card/Holder": false, "Cards/0/Number": true, "Backup/Holder": false, "token/Value": true,
	} {
		if got := redact.At(reflect.TypeFor[order](), strings.Split(path, "/")); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// FuzzJSON: whatever the arguments are, no value of a marked field is left.
func FuzzJSON(f *testing.F) {
	schema, err := arguments.Schema(reflect.TypeFor[order]())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"cards":[{"number":"hunter2"},{"NUMBER":"hunter2"}],"pin":"hunter2","n\u0075mber":"hunter2"}`))
	f.Add([]byte(`{"card":{"number":{"number":"hunter2"}},"nested":{"":[{"numbeR":"hunter2"}]}}`))
	f.Add([]byte(`{"backup":["hunter2"]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		blank := redact.JSON(schema, raw)
		if len(raw) > 0 && !json.Valid(blank) {
			t.Fatalf("%q became %q", raw, blank)
		}
		var decoded order
		if json.Unmarshal(blank, &decoded) != nil {
			return // a placeholder where a number is needed
		}
		for _, c := range []card{decoded.Card, decoded.card} {
			if c.Number != "" && c.Number != redact.Placeholder {
				t.Errorf("%q shows %q", raw, c.Number)
			}
		}
	})
}

func TestSearched(t *testing.T) {
	schema := json.RawMessage(`{"properties":{"order":{"type":"integer"},"card":{"x-redact":true},"cards":{"items":{"properties":{"number":{"x-redact":true},"holder":{}}}},
		"notes":{"items":{"x-redact":true}},"codes":{"additionalProperties":{"x-redact":true}}}}`)
	for path, want := range map[string]bool{
		"order": false, "card": true, "CARD": true, "card.deeper": true, "cards.0.number": true, "cards.number": true, "cards.holder": false, "cards.3.holder": false,
		"cards": true, "cards.0": true, "notes": true, "notes.2": true, "codes.a": true, "unknown": false, "order.x": false,
	} {
		if got := redact.Searched(schema, strings.Split(path, ".")); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if !redact.Searched(schema, nil) || redact.Searched(json.RawMessage(`{"type":"object"}`), nil) || redact.Searched(nil, []string{"card"}) {
		t.Error("the whole of the arguments")
	}
}
