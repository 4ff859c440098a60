package arguments

import (
	"encoding/json"
	"testing"
)

func TestCanonical(t *testing.T) {
	for _, same := range [][]string{
		{`1`, `1.0`, `1e0`, `10e-1`, `0.1e1`, `0.01E+2`, ` 1 `},
		{`0`, `-0`, `0.0`, `0e5`, `-0.0e-9`},
		{`100`, `1e2`, `1E+2`, `100.00`},
		{`-12.5`, `-1.25e1`, `-125e-1`},
		{`9007199254740993`, `9007199254740993.0`},
		{`{"a":1,"b":[1,2]}`, "{ \"b\" : [1.0, 2] ,\n\"a\" : 1 }", `{"a":7,"b":[1,2],"a":1}`},
		{`"é<"`, `"\u00e9\u003c"`},
		{`null`}, {`[]`}, {`{}`}, {`[null]`}, {`"1"`}, {`[1,2]`}, {`[2,1]`},
		{`9007199254740992`}, {`1e400`, `10e399`}, {`{"a":null}`}, {`{"a":{}}`}, {`true`}, {`1e99999999999`},
	} {
		first := canonicalText(t, same[0])
		for _, other := range same[1:] {
			if got := canonicalText(t, other); got != first {
				t.Errorf("%s is %s, %s is %s", same[0], first, other, got)
			}
		}
		if before, known := seenForms[first]; known {
			t.Errorf("%s and %s are both %s", before, same[0], first)
		}
		seenForms[first] = same[0]
	}
}

var seenForms = map[string]string{}

func canonicalText(t *testing.T, raw string) string {
	t.Helper()
	text, err := Canonical(json.RawMessage(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if again, err := Canonical(text); err != nil || string(again) != string(text) {
		t.Errorf("%s: %s becomes %s, %v", raw, text, again, err)
	}
	return string(text)
}

// FuzzCanonical: the canonical form means the same to Go, and is its own.
func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{`{"b":1.50,"a":[true,null,"x"]}`, `-0.00e7`, `1e-400`, `"\ud800"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if CheckRaw(json.RawMessage(raw), 1<<20) != nil {
			t.Skip()
		}
		text := canonicalText(t, raw)
		var a, b any
		if json.Unmarshal([]byte(raw), &a) != nil || json.Unmarshal([]byte(text), &b) != nil {
			t.Skip("a number that Go cannot hold")
		}
		one, _ := json.Marshal(a)
		two, _ := json.Marshal(b)
		if string(one) != string(two) && string(one) != "-0" {
			t.Errorf("%s became %s: %s, then %s", raw, text, one, two)
		}
	})
}
