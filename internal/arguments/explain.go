package arguments

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/go-playground/validator/v10"
)

// what says what a value is not, for tags without a parameter.
var what = map[string]string{
	"email": "is not an email address", "url": "is not a URL", "http_url": "is not an http URL", "uri": "is not a URI",
	"uuid": "is not a UUID", "uuid4": "is not a UUID of version 4", "hostname": "is not a host name", "fqdn": "is not a full domain name",
	"ip": "is not an IP address", "ipv4": "is not an IPv4 address", "ipv6": "is not an IPv6 address", "cidr": "is not a CIDR",
	"alpha": "has characters other than letters", "alphanum": "has characters other than letters and digits",
	"numeric": "is not a number", "number": "is not a number", "ascii": "has characters outside ASCII",
	"lowercase": "is not in lower case", "uppercase": "is not in upper case", "json": "is not JSON", "base64": "is not base64",
	"e164": "is not a phone number (E.164)", "unique": "has the same element twice", "boolean": "is not true or false",
	"timezone": "is not a time zone", "semver": "is not a semantic version", "hexadecimal": "is not hexadecimal", "mongodb": "is not an object id",
	"iso3166_1_alpha2": "is not a country code", "iso4217": "is not a currency code", "bcp47_language_tag": "is not a language tag",
}

// compared says what a value is, for tags whose parameter it is compared with:
// numbers, and the lengths of text and lists.
var compared = map[string]struct{ number, length string }{
	"min": {"is below the minimum %s", "is shorter than %s %s"},
	"max": {"is above the maximum %s", "is longer than %s %s"},
	"len": {"is not %s", "does not have %s %s"},
	"gte": {"is below the minimum %s", "is shorter than %s %s"},
	"lte": {"is above the maximum %s", "is longer than %s %s"},
	"gt":  {"is not above %s", "does not have more than %s %s"},
	"lt":  {"is not below %s", "does not have fewer than %s %s"},
	"eq":  {"is not %s", "is not %s"},
	"ne":  {"must not be %s", "must not be %s"},
}

// explain is a failure in a sentence that reads on from the pointer. value is what is
// shown of the value.
func explain(failure validator.FieldError, value string) string {
	tag, param := failure.Tag(), failure.Param()
	if tag == "required" || strings.HasPrefix(tag, "required_") {
		return "is required"
	}
	if text, ok := what[tag]; ok {
		return value + " " + text
	}
	if text, ok := compared[tag]; ok {
		return value + " " + comparedText(text.number, text.length, failure.Kind(), param)
	}
	switch tag {
	case "oneof", "oneofci":
		return value + " is none of: " + param
	case "startswith":
		return value + " does not start with " + param
	case "endswith":
		return value + " does not end with " + param
	case "contains":
		return value + " does not contain " + param
	case "datetime":
		return value + " is not a time such as " + param
	case "eqfield", "nefield", "gtfield", "gtefield", "ltfield", "ltefield":
		return fmt.Sprintf("%s does not fit the field %s (%s)", value, param, tag)
	}
	if param != "" {
		tag += "=" + param
	}
	return fmt.Sprintf("%s fails the check %s", value, tag)
}

func comparedText(number, length string, kind reflect.Kind, param string) string {
	unit := ""
	switch kind {
	case reflect.String:
		unit = "characters"
	case reflect.Slice, reflect.Array, reflect.Map:
		unit = "elements"
	}
	if unit == "" || strings.Count(length, "%s") == 1 {
		return fmt.Sprintf(number, param)
	}
	return fmt.Sprintf(length, param, unit)
}

// shown is a value as a person would write it.
func shown(v any) string {
	value := reflect.ValueOf(v)
	for value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if !value.IsValid() {
		return "null"
	}
	if value.Kind() == reflect.String {
		return fmt.Sprintf("%q", cut(value.String()))
	}
	return cut(fmt.Sprintf("%v", value.Interface()))
}
