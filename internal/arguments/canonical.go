package arguments

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// Canonical is the one form of all JSON that means the same: no spaces, the members of
// objects in the order of their names, of several with one name the last, and numbers
// without what adds nothing: 1.0, 1e0 and 1 are one.
func Canonical(raw json.RawMessage) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return Encode(canonical(value))
}

func canonical(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = canonical(member)
		}
	case []any:
		for i, element := range v {
			v[i] = canonical(element)
		}
	case json.Number:
		return json.Number(canonicalNumber(string(v)))
	}
	return value
}

// canonicalNumber is digits without zeros at either end, and a power of ten. It works
// on the text: a number may have more digits, or a larger exponent, than any type.
func canonicalNumber(text string) string {
	mantissa, power, _ := strings.Cut(strings.ToLower(text), "e")
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	short := strings.TrimRight(digits, "0")
	exponent, err := strconv.ParseInt(strings.TrimPrefix(power, "+"), 10, 32)
	if power != "" && err != nil {
		return text // beyond any use
	}
	exponent += int64(len(digits) - len(short) - len(fraction))
	if negative {
		short = "-" + short
	}
	if exponent == 0 {
		return short
	}
	return short + "e" + strconv.FormatInt(exponent, 10)
}
