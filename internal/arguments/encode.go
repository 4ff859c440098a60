package arguments

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/laterjobs/later/internal/redact"
)

// The reasons for which CheckRaw refuses.
var (
	ErrTooLarge  = errors.New("too large")
	ErrMalformed = errors.New("malformed")
)

// Encode makes JSON of a value. It leaves <, > and & as they are.
func Encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("does not encode as JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode reads JSON into a pointer. Fields that the type does not have are
// passed over, so that newer programs can add some. A value of the wrong type is
// reported as a Problem.
func Decode(raw json.RawMessage, into any) error {
	return decode(raw, into, redact.Has)
}

// DecodeSecret is Decode for values of which nothing is to be shown.
func DecodeSecret(raw json.RawMessage, into any) error {
	return decode(raw, into, func(reflect.Type) bool { return true })
}

func decode(raw json.RawMessage, into any, secret func(reflect.Type) bool) error {
	err := json.Unmarshal(raw, into)
	if err == nil {
		return nil
	}
	hide := secret(reflect.TypeOf(into))
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		value := mismatch.Value
		if hide {
			value, _, _ = strings.Cut(value, " ") // "number 4242"
		}
		return &Problem{
			Pointer: pointerOf(strings.Split(mismatch.Field, ".")),
			Message: fmt.Sprintf("is a %s, but %s is needed", value, mismatch.Type),
		}
	}
	if hide {
		return errors.New("does not decode; the reason is not shown, since it may contain a value that must not be")
	}
	return fmt.Errorf("is not JSON: %w", err)
}

// CheckRaw refuses JSON that is larger than limit bytes, is not valid, or
// contains a NUL character, which not every database can store.
func CheckRaw(raw json.RawMessage, limit int) error {
	switch {
	case len(raw) > limit:
		return fmt.Errorf("%w: %d bytes, at most %d are allowed; store the data elsewhere and pass its id",
			ErrTooLarge, len(raw), limit)
	case !utf8.Valid(raw):
		return fmt.Errorf("%w: not valid UTF-8", ErrMalformed)
	case !json.Valid(raw):
		return fmt.Errorf("%w: not valid JSON: %s", ErrMalformed, cut(string(raw)))
	case hasNUL(raw):
		return fmt.Errorf("%w: contains a NUL character (\\u0000), which databases cannot store; remove it", ErrMalformed)
	}
	return nil
}

// hasNUL finds the escape \u0000; a backslash that is itself escaped is none.
func hasNUL(raw []byte) bool {
	for rest := raw; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 || i+1 >= len(rest) {
			return false
		}
		if bytes.HasPrefix(rest[i:], []byte(`\u0000`)) {
			return true
		}
		rest = rest[i+2:]
	}
}

// maxShown bounds how much of a value is repeated in a message, in runes.
const maxShown = 60

func cut(s string) string {
	if runes := []rune(s); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return s
}
