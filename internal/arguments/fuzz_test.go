package arguments

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// everything is arguments of many kinds, with rules.
type everything struct {
	N      int64             `json:"n" validate:"gte=0"`
	Small  int8              `json:"small"`
	F      float64           `json:"f" validate:"lte=100"`
	Email  string            `json:"email" validate:"omitempty,email"`
	When   time.Time         `json:"when"`
	Wait   time.Duration     `json:"wait"`
	Bytes  []byte            `json:"bytes" validate:"max=3"`
	Items  []item            `json:"items" validate:"dive"`
	Labels map[string]string `json:"labels" validate:"dive,keys,alpha,endkeys,min=2"`
	Any    any               `json:"any"`
	Next   *everything       `json:"next"`
	Raw    json.RawMessage   `json:"raw"`
	item
}

type item struct {
	Name string `json:"name" validate:"max=5"`
}

// FuzzDecode: what the door lets in decodes or is refused with a reason, and what was
// decoded encodes to something that the door lets in again.
func FuzzDecode(f *testing.F) {
	for _, raw := range []string{
		``, ` `, `null`, `{}`, `[]`, `"x"`, `{"n":9007199254740993}`, `{"n":1e400}`, `{"f":1e400}`, `{"n":1e3}`, `{"small":300}`,
		`{"n":1,"n":2,"N":3}`, `{"email":"\ud800"}`, `{"email":"\u0000"}`, `{"email":"\\u0000"}`, `{"name":"\udc00\ud800"}`, "{\"name\":\"a\x00\"}", "{\"name\":\"\xff\"}",
		`{"items":[{"name":"toolong"},null]}`, `{"labels":{"a.b[0]":"x","~/":"y"}}`, `{"next":{"next":{"n":-1}}}`, `{"when":"never"}`,
		`{"when":"9999-12-31T23:59:59Z"}`, `{"bytes":"AAAA"}`, `{"raw":{"a":` + "\t1}}", `{"any":[1e999]}`, "\ufeff{}", `{"n":1}x`,
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
		strings.Repeat(`{"next":`, 9_999) + `{}` + strings.Repeat("}", 9_999), strings.Repeat(`{"any":`, 5_000),
		`"` + strings.Repeat("x", 1<<16) + `"`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := CheckRaw(raw, 1<<17); err != nil {
			if !utf8.ValidString(err.Error()) || len(err.Error()) > 1000 {
				t.Errorf("a refusal that cannot be shown: %q", err)
			}
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("%q was let in", raw)
		}
		decodes[any](t, raw)
		decodes[string](t, raw)
		decodes[map[string]int](t, raw)
		decodes[everything](t, raw)
	})
}

func decodes[A any](t *testing.T, raw []byte) {
	var args A
	if err := Decode(raw, &args); err != nil {
		if err.Error() == "" || !utf8.ValidString(err.Error()) {
			t.Errorf("refused without a reason that can be shown: %q", err)
		}
		return
	}
	for _, problem := range Check(args) {
		if problem.Message == "" || strings.Contains(problem.Message, "cannot be checked") {
			t.Errorf("problem without a reason: %+v", problem)
		}
	}
	again, err := Encode(args)
	if err != nil {
		t.Errorf("%.100q decodes, but %+v does not encode: %v", raw, args, err)
		return
	}
	if err := CheckRaw(again, len(again)); err != nil && !bytes.Contains(again, []byte(`\u0000`)) {
		t.Errorf("%.100q is let in, %.100q is not: %v", raw, again, err)
	}
}
