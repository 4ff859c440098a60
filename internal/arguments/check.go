package arguments

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"
)

// validating is an optional method of argument types, for rules that no tag says.
type validating interface{ Validate() error }

// Check returns all problems of a value: those that its `validate` tags find,
// and what its method Validate() error returns.
func Check(v any) []Problem {
	problems := checkTags(v)
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
	v.RegisterTagNameFunc(jsonName)
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
func checkTags(v any) (problems []Problem) {
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
			problems = append(problems, Problem{pointerOf(pathOf(failure.Namespace())), explain(failure)})
		}
	default:
		problems = []Problem{{Message: err.Error()}}
	}
	return problems
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

// pathOf splits the validator's name of a field, Type.items[2].name, into the
// steps of a JSON pointer. The first step is the type.
func pathOf(namespace string) []string {
	var path []string
	if rest, ok := strings.CutPrefix(namespace, "["); ok { // an element of a list
		namespace = "." + "[" + rest
	}
	_, fields, _ := strings.Cut(namespace, ".")
	for _, field := range strings.Split(fields, ".") {
		name, rest, indexed := strings.Cut(field, "[")
		path = append(path, name)
		for indexed {
			var index string
			index, rest, _ = strings.Cut(rest, "]")
			path = append(path, index)
			_, rest, indexed = strings.Cut(rest, "[")
		}
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
