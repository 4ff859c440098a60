package arguments

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

type line struct {
	SKU   string `json:"sku" validate:"required,len=8,alphanum"`
	Count int    `json:"count" validate:"gt=0,lte=99"`
}

type base struct {
	Tenant string `json:"tenant" validate:"required,uuid"`
}

type order struct {
	base
	Email   string            `json:"email" validate:"required,email"`
	Reply   string            `json:"reply,omitempty" validate:"omitempty,email"`
	Kind    string            `json:"kind" validate:"oneof=new used"`
	Lines   []line            `json:"lines" validate:"min=1,max=3,dive"`
	Notes   []string          `json:"notes,omitempty" validate:"dive,max=5"`
	Labels  map[string]string `json:"a/b~c" validate:"max=1"`
	Weight  float64           `json:"weight" validate:"gte=0,lt=10"`
	Due     time.Time         `json:"due"`
	Partner *string           `json:"partner" validate:"omitempty,min=2"`
}

func good() order {
	return order{base: base{"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}, Email: "ada@example.com", Kind: "new", Lines: []line{{"ABCD1234", 1}}}
}

func TestCheckNamesEveryProblem(t *testing.T) {
	if problems := Check(good()); problems != nil {
		t.Errorf("a good order: %v", problems)
	}
	short := "x"
	bad := order{
		base: base{"one"}, Email: "ada", Reply: "ada", Kind: "old", Lines: []line{{"ABCD1234", 0}, {"äbc", 100}},
		Notes: []string{"fine", "too long"}, Labels: map[string]string{"a": "", "b": ""}, Weight: 10, Partner: &short,
	}
	want := []string{
		`/tenant "one" is not a UUID`,
		`/email "ada" is not an email address`,
		`/reply "ada" is not an email address`,
		`/kind "old" is none of: new used`,
		`/lines/0/count 0 is not above 0`,
		`/lines/1/sku "äbc" does not have 8 characters`,
		`/lines/1/count 100 is above the maximum 99`,
		`/notes/1 "too long" is longer than 5 characters`,
		`/a~1b~0c map[a: b:] is longer than 1 elements`,
		`/weight 10 is not below 10`,
		`/partner "x" is shorter than 2 characters`,
	}
	got := words(Check(bad))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func words(problems []Problem) (texts []string) {
	for _, problem := range problems {
		texts = append(texts, problem.String())
	}
	return texts
}

type window struct{ From, To int }

func (w *window) Validate() error {
	var problems []error
	if w.From > w.To {
		problems = append(problems, errors.New("from is after to"))
	}
	if w.To > 24 {
		problems = append(problems, fmt.Errorf("to is %d", w.To))
	}
	return errors.Join(problems...)
}

type pair[T any] struct {
	First  T `json:"first"`
	Second T `json:"second" validate:"required"`
}

func TestCheckAsksTheValueItself(t *testing.T) {
	for _, test := range []struct {
		value any
		want  []string
	}{
		{window{1, 2}, nil},
		{window{26, 25}, []string{"from is after to", "to is 25"}},
		{&window{2, 1}, []string{"from is after to"}},
		{(*window)(nil), nil},
		{[]line{{"ABCD1234", 1}, {"", 1}}, []string{"/1/sku is required"}},
		{pair[int]{}, []string{"/second is required"}},
		{map[string]line{"a.b": {"ABCD1234", 0}}, []string{"/a.b/count 0 is not above 0"}},
		{struct {
			N int `validate:"required"`
		}{}, []string{"/N is required"}},
		{"text", nil},
		{nil, nil},
		{struct {
			N int `validate:"no_such_rule"`
		}{}, []string{"cannot be checked: a validate tag of the type struct { N int \"validate:\\\"no_such_rule\\\"\" } is wrong: " +
			"Undefined validation function 'no_such_rule' on field 'N'"}},
	} {
		if got := words(Check(test.value)); !reflect.DeepEqual(got, test.want) {
			t.Errorf("Check(%#v): %q, want %q", test.value, got, test.want)
		}
	}
}

func TestDecodeNamesTheField(t *testing.T) {
	for raw, want := range map[string]string{
		`{"email": 5}`:                "/email is a number, but string is needed",
		`{"lines": [{"count": "x"}]}`: "/lines/count is a string, but int is needed",
		`[]`:                          "is a array, but arguments.order is needed",
		`{`:                           "is not JSON: unexpected end of JSON input",
	} {
		var into order
		if err := Decode(json.RawMessage(raw), &into); err == nil || err.Error() != want {
			t.Errorf("Decode(%s): %v, want %q", raw, err, want)
		}
	}
	var into order
	if err := Decode(json.RawMessage(`{"email": "x", "from a newer program": 1}`), &into); err != nil || into.Email != "x" {
		t.Errorf("decoded %+v, %v", into, err)
	}
}

func TestEncodeKeepsText(t *testing.T) {
	if raw, err := Encode("<a & b>"); err != nil || string(raw) != `"<a & b>"` {
		t.Errorf("%s, %v", raw, err)
	}
	if _, err := Encode(make(chan int)); err == nil || !strings.Contains(err.Error(), "does not encode as JSON") {
		t.Errorf("a channel: %v", err)
	}
}

func TestCheckRaw(t *testing.T) {
	for _, test := range []struct {
		raw  string
		want error
		says string
	}{
		{`{"a": "\\u0000 is no NUL"}`, nil, ""},
		{`"\\\\u0000"`, nil, ""},
		{`"\\\u0000"`, ErrMalformed, `NUL character (\u0000)`},
		{`{"a\u0000": 1}`, ErrMalformed, `NUL character (\u0000)`},
		{"{\"a\": \"\xff\"}", ErrMalformed, "not valid UTF-8"},
		{`{"a": 1`, ErrMalformed, `not valid JSON: {"a": 1`},
		{"\"\x00\"", ErrMalformed, "not valid JSON"},
		{strings.Repeat("é", 100), ErrMalformed, "not valid JSON: " + strings.Repeat("é", 60) + "…"},
		{`"` + strings.Repeat("x", 1000) + `"`, ErrTooLarge, "1002 bytes, at most 1000 are allowed"},
	} {
		err := CheckRaw(json.RawMessage(test.raw), 1000)
		if !errors.Is(err, test.want) || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("CheckRaw(%.40q): %v, want %q", test.raw, err, test.says)
		}
	}
}

// TestSchemaSaysWhatTheTagsSay: a document passes the schema of a type as it
// passes the typed check.
func TestSchemaSaysWhatTheTagsSay(t *testing.T) {
	schema, err := Schema(reflect.TypeFor[order]())
	if err != nil {
		t.Fatal(err)
	}
	const rest = `"tenant":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","kind":"new","due":"2026-01-02T03:04:05Z","partner":null,"a/b~c":{}`
	const fine = `"email":"ada@example.com","weight":1,"lines":[{"sku":"ABCD1234","count":1}],` + rest
	for _, test := range []struct{ document, pointer string }{
		{`{` + fine + `}`, ""},
		{`{` + fine + `,"from a newer program":1}`, ""},
		{`{` + fine + `,"reply":""}`, ""},
		{`{` + fine + `,"partner":"xy"}`, ""},
		{`{` + fine + `,"reply":"ada"}`, "/reply"},
		{`{` + fine + `,"kind":"old"}`, "/kind"},
		{`{` + fine + `,"email":"ada"}`, "/email"},
		{`{` + fine + `,"email":""}`, "/email"},
		{`{` + fine + `,"tenant":"one"}`, "/tenant"},
		{`{` + fine + `,"weight":10}`, "/weight"},
		{`{` + fine + `,"weight":-1}`, "/weight"},
		{`{` + fine + `,"lines":[]}`, "/lines"},
		{`{` + fine + `,"lines":[{"sku":"ABCD1234","count":0}]}`, "/lines/0/count"},
		{`{` + fine + `,"lines":[{"sku":"short","count":1}]}`, "/lines/0/sku"},
		{`{` + fine + `,"notes":["fine","too long"]}`, "/notes/1"},
		{`{` + fine + `,"a/b~c":{"a":"","b":""}}`, "/a~1b~0c"},
		{`{` + fine + `,"due":5}`, "/due"},
		{`{"weight":1,"lines":[{"sku":"ABCD1234","count":1}],` + rest + `}`, ""},
	} {
		problems := CheckSchema(schema, json.RawMessage(test.document))
		if missing := !strings.Contains(test.document, "email"); missing {
			if len(problems) != 1 || !strings.Contains(problems[0].String(), "/email is required") {
				t.Errorf("email is missing: %v", problems)
			}
			continue
		}
		var typed order
		byType := Decode(json.RawMessage(test.document), &typed) == nil && Check(typed) == nil
		if (test.pointer == "") != byType {
			t.Errorf("%s: the typed check says %v", test.document, byType)
		}
		switch {
		case test.pointer == "" && len(problems) != 0:
			t.Errorf("%s: %v", test.document, problems)
		case test.pointer != "" && (len(problems) == 0 || problems[0].Pointer != test.pointer):
			t.Errorf("%s: %v, want a problem at %s", test.document, problems, test.pointer)
		}
	}
}

func TestSchemasThatAreNone(t *testing.T) {
	for schema, want := range map[string]string{
		`{`:                                   "the published schema is broken",
		`{"type": 5}`:                         "the published schema is broken",
		`{"$ref": "file:///etc/passwd"}`:      "a schema may not refer to file:///etc/passwd",
		`{"$ref": "http://localhost/a.json"}`: "a schema may not refer to http://localhost/a.json",
	} {
		problems := CheckSchema(json.RawMessage(schema), json.RawMessage(`{}`))
		if len(problems) != 1 || !strings.Contains(problems[0].Message, want) {
			t.Errorf("%s: %v", schema, problems)
		}
	}
}

// secretArgs have values that no message may show.
type secretArgs struct {
	Password string       `json:"password" validate:"min=20" later:"redact"`
	PIN      int8         `json:"pin" validate:"lte=10" later:"redact"`
	Cards    []secretLine `json:"cards" validate:"dive"`
	Unique   []secretLine `json:"unique" validate:"unique"`
	Name     string       `json:"name" validate:"max=3"`
}

type secretLine struct {
	Number string `json:"number" validate:"numeric" later:"redact"`
}

// TestRedactedValuesAreNotInMessages: of the tags, the decoder and the published schema.
func TestRedactedValuesAreNotInMessages(t *testing.T) {
	const secret = "hunter2"
	args := secretArgs{secret, 111, []secretLine{{secret}}, []secretLine{{"1" + secret}, {"1" + secret}}, "shown"}
	var messages []string
	for _, problem := range Check(args) {
		messages = append(messages, problem.String())
	}
	raw, err := Encode(args)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := Schema(reflect.TypeFor[secretArgs]())
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range CheckSchema(schema, raw) {
		messages = append(messages, problem.String())
	}
	for _, raw := range []string{`{"pin":1117}`, `{"cards":[{"number":1117}]}`, `{"password":["hunter2"]}`} {
		messages = append(messages, Decode(json.RawMessage(raw), new(secretArgs)).Error())
	}
	all := strings.Join(messages, "\n")
	for _, want := range []string{"/password [redacted] is shorter than 20", "/cards/0/number [redacted] is not a number", `/name "shown" is longer`} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in:\n%s", want, all)
		}
	}
	if strings.Contains(all, secret) || strings.Contains(all, "111") {
		t.Errorf("shown:\n%s", all)
	}
	for _, problem := range CheckSecret(args) {
		if strings.Contains(problem.Message, "shown") {
			t.Errorf("of a secret: %s", problem)
		}
	}
	if err := DecodeSecret(json.RawMessage(`{"n":1e999,"small":3000}`), new(everything)); err == nil || strings.Contains(err.Error(), "999") {
		t.Errorf("of a secret: %v", err)
	}
}
