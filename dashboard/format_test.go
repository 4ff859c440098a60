package dashboard

import (
	"encoding/json"
	"testing"
)

func TestRule(t *testing.T) {
	for text, want := range map[string]string{"@every 5m0s": "@every 5m", "@every 2h0m0s": "@every 2h", "@every 1h30m0s": "@every 1h30m", "@every 10s": "@every 10s", "@every 1m30s": "@every 1m30s", "0 2 * * *": "0 2 * * *"} {
		if got := ruleText(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestLabel(t *testing.T) {
	for text, want := range map[string]string{
		`{"url":"https://a.example/","n":9007199254740993}`: "url: https://a.example/, n: 9007199254740993",
		`{"to":{"city":"Bonn"}, "tags":[1, 2],"x":null}`:    `to: {"city":"Bonn"}, tags: [1,2], x: null`,
		`{"empty":"","lines":"a\nb","turned":"a\u202eb"}`:   `empty: "", lines: "a\nb", turned: "a\u202eb"`,
		`{"a\nb":1}`: `"a\nb": 1`,
		`{}`:         "", `[1,2]`: "[1,2]", `{"a":`: `{"a":`, `"text"`: `"text"`, ``: "",
	} {
		if got := label(json.RawMessage(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAtLeast(t *testing.T) {
	for _, test := range []struct {
		n    int64
		more bool
		want string
	}{{0, true, "0"}, {7, false, "7"}, {100, true, "100+"}, {10_000, true, "10k+"}, {1_234_567, false, "1,234,567"}, {12_345, true, "12k+"}} {
		if got := atLeast(test.n, test.more); got != test.want {
			t.Errorf("%d, %v: %s, want %s", test.n, test.more, got, test.want)
		}
	}
}
