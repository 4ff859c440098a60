package arguments

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"

	"github.com/laterjobs/later/internal/redact"
)

// validating is an optional method of argument types, for rules that no tag says.
type validating interface{ Validate() error }

// Check returns all problems of a value: those that its `validate` tags find,
// and what its method Validate() error returns.
func Check(v any) []Problem { return check(v, false) }

// CheckSecret is Check for values of which nothing is to be shown. What a method
// Validate says is shown.
func CheckSecret(v any) []Problem { return check(v, true) }

func check(v any, secret bool) []Problem {
	problems := checkTags(v, secret)
	if own, ok := selfValidating(v); ok {
		problems = append(problems, checkSelf(own)...)
	}
	return problems
}

// selfValidating finds the method on the value or on its address.
func selfValidating(v any) (validating, bool) {
	if own, ok := v.(validating); ok {
		return own, !isNil(v)
	}
	if v == nil {
		return nil, false
	}
	address := reflect.New(reflect.TypeOf(v))
	own, ok := address.Interface().(validating)
	if ok {
		address.Elem().Set(reflect.ValueOf(v))
	}
	return own, ok
}

func isNil(v any) bool {
	value := reflect.ValueOf(v)
	return value.Kind() == reflect.Pointer && value.IsNil()
}

// checkSelf makes one problem of each error that was joined.
func checkSelf(own validating) (problems []Problem) {
	err := own.Validate()
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			problems = append(problems, Problem{Message: one.Error()})
		}
		return problems
	}
	return []Problem{{Message: err.Error()}}
}

// tags is the one validator: it caches what it learns about types.
var tags = sync.OnceValue(func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(stepName)
	return v
})

// jsonName is the name of a field in JSON.
func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" || name == "-" {
		return field.Name
	}
	return name
}

// checkTags runs the validator. A tag that it does not know makes it panic; that
// is a mistake in the definition and is reported as such.
func checkTags(v any, secret bool) (problems []Problem) {
	if !hasTags(reflect.TypeOf(v)) {
		return nil
	}
	defer func() {
		if mistake := recover(); mistake != nil {
			problems = []Problem{{Message: fmt.Sprintf("cannot be checked: a validate tag of the type %T is wrong: %v", v, mistake)}}
		}
	}()
	err := validate(v)
	var failures validator.ValidationErrors
	switch {
	case err == nil:
	case errors.As(err, &failures):
		for _, failure := range failures {
			field := strings.TrimPrefix(failure.Namespace(), typeName(v)+".")
			value := shown(failure.Value())
			if secret || hidden(v, failure) {
				value = redact.Placeholder
			}
			problems = append(problems, Problem{pointerOf(pathOf(field)), explain(failure, value)})
		}
	default:
		problems = []Problem{{Message: err.Error()}}
	}
	return problems
}

// hidden reports whether the value that failed is not to be shown.
func hidden(v any, failure validator.FieldError) bool {
	path := pathOf(strings.TrimPrefix(failure.StructNamespace(), typeName(v)+"."))
	return redact.At(reflect.TypeOf(v), path) || redact.Has(reflect.TypeOf(failure.Value()))
}

// typeName is what the validator begins its names of a value's fields with.
func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

// validate checks a struct, or the structs in a list or map.
func validate(v any) error {
	value := reflect.Indirect(reflect.ValueOf(v))
	switch value.Kind() {
	case reflect.Struct:
		return tags().Struct(v)
	case reflect.Slice, reflect.Array, reflect.Map:
		return tags().Var(v, "dive")
	}
	return nil
}

// embedded stands for the name of an embedded struct, whose fields JSON treats as
// those of the struct around it.
const embedded = "\x00"

// stepName is the name of a field in a namespace.
func stepName(field reflect.StructField) string {
	if isEmbedded(field) {
		return embedded
	}
	return jsonName(field)
}

func isEmbedded(field reflect.StructField) bool {
	t := field.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return field.Anonymous && field.Tag.Get("json") == "" && t.Kind() == reflect.Struct
}

// pathOf splits the validator's name of a field, such as items[2].name, into the
// steps of a JSON pointer.
func pathOf(namespace string) (path []string) {
	for rest := namespace; rest != ""; {
		var step string
		if inner, indexed := strings.CutPrefix(rest, "["); indexed {
			step, rest, _ = strings.Cut(inner, "]")
		} else {
			end := strings.IndexAny(rest+".", ".[")
			step, rest = rest[:end], rest[end:]
		}
		if step != embedded {
			path = append(path, step)
		}
		rest = strings.TrimPrefix(rest, ".")
	}
	return path
}

// withTags remembers which types have validate tags, so that the others cost
// nothing.
var withTags sync.Map // reflect.Type → bool

func hasTags(t reflect.Type) bool {
	if t == nil {
		return false
	}
	if known, ok := withTags.Load(t); ok {
		return known.(bool)
	}
	found := findTags(t, map[reflect.Type]bool{})
	withTags.Store(t, found)
	return found
}

func findTags(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return findTags(t.Elem(), seen)
	case reflect.Interface:
		return true // only the value knows
	case reflect.Struct:
		for i := range t.NumField() {
			if field := t.Field(i); field.Tag.Get("validate") != "" || findTags(field.Type, seen) {
				return true
			}
		}
	}
	return false
}
