package latercli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
)

// The values of --output, besides template=.
var outputs = []string{"text", "json", "jsonl", "csv"}

// templated is how a template is given.
const templated = "template="

// chooseOutput looks at --output. Data is for programs, whatever the locale.
func (a *app) chooseOutput() error {
	text, isTemplate := strings.CutPrefix(a.output, templated)
	switch {
	case isTemplate:
		parsed, err := template.New("--output").Funcs(templateFunctions).Parse(text)
		if err != nil {
			return usagef("--output: %w", err)
		}
		a.template = parsed
	case !slices.Contains(outputs, a.output):
		return usagef("--output %q: choose one of %s, or template=TEXT such as template={{.id}}", a.output, strings.Join(outputs, ", "))
	}
	if a.json() {
		a.out = whole(a.out)
	}
	return nil
}

// templateFunctions are what a template has besides Go's own.
var templateFunctions = template.FuncMap{
	"json": func(v any) (string, error) {
		text, err := json.Marshal(v)
		return string(text), err
	},
}

// printTemplate prints a line for each element, by its keys in JSON. Numbers keep all
// their digits.
func (a *app) printTemplate(values []any) error {
	for _, v := range values {
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		var row any
		if err := decoder.Decode(&row); err != nil {
			return err
		}
		withEmpty(row, reflect.TypeOf(v))
		var line strings.Builder
		if err := a.template.Execute(&line, row); err != nil {
			return usagef("--output: %w", err)
		}
		if _, err := fmt.Fprintln(a.out, printable(line.String())); err != nil {
			return err
		}
	}
	return nil
}

// json reports whether the output is for programs.
func (a *app) json() bool { return a.output != "text" }

// printJSON prints a document for programs: as one JSON document, or as lines, one for
// each element of a slice, in JSON or as CSV.
func (a *app) printJSON(v any) error {
	switch a.output {
	case "jsonl":
		return a.printLines(elements(v))
	case "csv":
		return a.printCSV(v)
	}
	if a.template != nil {
		return a.printTemplate(elements(v))
	}
	encoder := json.NewEncoder(a.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// withEmpty adds the keys that JSON leaves out because they are empty.
func withEmpty(row any, t reflect.Type) {
	fields, isObject := row.(map[string]any)
	if !isObject || t == nil || t.Kind() != reflect.Struct {
		return
	}
	for _, name := range jsonNames(t) {
		if _, there := fields[name]; !there {
			fields[name] = ""
		}
	}
}

func (a *app) printLines(values []any) error {
	encoder := json.NewEncoder(a.out)
	encoder.SetEscapeHTML(false)
	for _, v := range values {
		if err := encoder.Encode(v); err != nil {
			return err
		}
	}
	return nil
}

// elements are those of a slice, or the value itself.
func elements(v any) []any {
	value := reflect.ValueOf(v)
	if value.Kind() != reflect.Slice {
		return []any{v}
	}
	all := make([]any, value.Len())
	for i := range all {
		all[i] = value.Index(i).Interface()
	}
	return all
}

// printCSV prints the fields of each element in columns, with their names in the first
// line. Text is as it is, anything else as JSON.
func (a *app) printCSV(v any) error {
	rows, names, err := fieldsOf(elements(v))
	if err != nil {
		return err
	}
	if kind := reflect.TypeOf(v); kind != nil && kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct {
		names = jsonNames(kind.Elem())
	}
	w := csv.NewWriter(a.out)
	if err := w.Write(names); err != nil {
		return err
	}
	for _, row := range rows {
		cells := make([]string, len(names))
		for i, name := range names {
			cells[i] = csvCell(row[name])
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// fieldsOf encodes values and takes them apart, and lists all names.
func fieldsOf(values []any) (rows []map[string]json.RawMessage, names []string, err error) {
	for _, v := range values {
		raw, err := json.Marshal(v)
		if err != nil {
			return nil, nil, err
		}
		row := map[string]json.RawMessage{}
		if json.Unmarshal(raw, &row) != nil {
			row["value"] = raw
		}
		rows = append(rows, row)
		for name := range row {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return rows, names, nil
}

// jsonNames are the names under which encoding/json writes the fields of a struct.
func jsonNames(t reflect.Type) (names []string) {
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-", field.Anonymous && name == "", !field.IsExported():
			continue
		case name == "":
			name = field.Name
		}
		names = append(names, name)
	}
	return names
}

func csvCell(raw json.RawMessage) string {
	var text string
	if len(raw) == 0 {
		return ""
	}
	if json.Unmarshal(raw, &text) == nil {
		return printable(text)
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return printable(string(raw))
	}
	return printable(compact.String())
}

// printIDs prints one id or name a line: what --quiet asks for.
func printIDs[T any](a *app, ids []T) error {
	for _, id := range ids {
		if _, err := fmt.Fprintln(a.out, printable(fmt.Sprint(id))); err != nil {
			return err
		}
	}
	return nil
}

// hint says on the standard error what a person may want to do next: a command line
// without the name of the program.
func (a *app) hint(format string, args ...any) {
	if a.quiet || a.json() {
		return
	}
	fmt.Fprintf(a.err, "next: %s %s\n", a.path, printable(fmt.Sprintf(format, args...)))
}
