package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Condition is something that must hold of a job: one of the tests of one of its fields.
type Condition struct {
	Field Field    `json:"field"`
	Path  []string `json:"path,omitempty"` // of Args and Metadata: the keys and indexes that lead to the value
	Not   bool     `json:"not,omitempty"`  // none of the tests must hold
	AnyOf []Test   `json:"any_of"`
}

// Test is what a Condition asks of a value. Numbers are written in decimal, times as
// RFC 3339, durations as Go writes them.
type Test struct {
	Op    Op     `json:"op,omitempty"`
	Value string `json:"value"`
	To    string `json:"to,omitempty"` // of Between: the last one
}

// Op is how a value is compared.
type Op string

// The comparisons.
const (
	Equal   Op = ""
	Prefix  Op = "prefix" // the beginning of a text; an empty one: there is a value
	Contain Op = "contain"
	Below   Op = "<"
	AtMost  Op = "<="
	Above   Op = ">"
	AtLeast Op = ">="
	Between Op = ".." // Value ≤ it ≤ To
)

// Field is what of a job a Condition looks at.
type Field string

// The fields. Those of the text kind take Equal and Prefix, Error and Text take
// Contain alone (which ignores ASCII case) or Prefix with an empty value, numbers,
// durations and times take all but Prefix and Contain.
const (
	FieldType     Field = "type"
	FieldQueue    Field = "queue"
	FieldUser     Field = "user"
	FieldTarget   Field = "target"
	FieldTag      Field = "tag"      // one of its tags
	FieldKey      Field = "key"      // its unique key
	FieldSchedule Field = "schedule" // the schedule that enqueued it

	FieldError Field = "error"
	FieldText  Field = "text" // arguments or error
	FieldWord  Field = "word" // type, arguments or error, or the whole id

	FieldID       Field = "id"
	FieldAttempt  Field = "attempt"
	FieldCrashes  Field = "crashes"
	FieldPriority Field = "priority"
	FieldProcess  Field = "process" // that runs it or ran it last
	FieldTook     Field = "took"    // how long the last attempt of a finished job ran

	FieldQueued    Field = "queued"
	FieldScheduled Field = "scheduled" // the time that was asked for at enqueue
	FieldStarted   Field = "started"
	FieldFinished  Field = "finished"
	FieldRuns      Field = "runs" // when a scheduled or retrying job becomes pending

	// Args and Metadata are JSON: Path leads to a value. A string is compared by what it
	// says, a number by its value, however large, true, false and null by their names; of
	// a list one element must match. Only numbers are below or above anything.
	FieldArgs     Field = "args"
	FieldMetadata Field = "metadata"
)

// Kind is what the values of a field are.
type Kind int

// The kinds.
const (
	KindUnknown  Kind = iota
	KindName          // a text that is compared as a whole or by its beginning
	KindText          // a text that is searched
	KindNumber        // int64
	KindDuration      // time.Duration
	KindTime
	KindJSON
)

var kinds = map[Field]Kind{
	FieldType: KindName, FieldQueue: KindName, FieldUser: KindName, FieldTarget: KindName, FieldTag: KindName, FieldKey: KindName, FieldSchedule: KindName,
	FieldError: KindText, FieldText: KindText, FieldWord: KindText,
	FieldID: KindNumber, FieldAttempt: KindNumber, FieldCrashes: KindNumber, FieldPriority: KindNumber, FieldProcess: KindNumber,
	FieldTook:   KindDuration,
	FieldQueued: KindTime, FieldScheduled: KindTime, FieldStarted: KindTime, FieldFinished: KindTime, FieldRuns: KindTime,
	FieldArgs: KindJSON, FieldMetadata: KindJSON,
}

// Kind is what the values of the field are; KindUnknown: there is no such field.
func (f Field) Kind() Kind { return kinds[f] }

var opsOf = map[Kind][]Op{
	KindName:     {Equal, Prefix},
	KindText:     {Contain, Prefix},
	KindNumber:   {Equal, Below, AtMost, Above, AtLeast, Between},
	KindDuration: {Equal, Below, AtMost, Above, AtLeast, Between},
	KindTime:     {Equal, Below, AtMost, Above, AtLeast, Between},
	KindJSON:     {Equal, Prefix, Below, AtMost, Above, AtLeast, Between},
}

func (c *Condition) check() error {
	kind := c.Field.Kind()
	switch {
	case kind == KindUnknown:
		return fmt.Errorf("%q is no field of a job", c.Field)
	case len(c.AnyOf) == 0:
		return fmt.Errorf("the condition on %s tests nothing", c.Field)
	case (kind == KindJSON) != (len(c.Path) > 0):
		return fmt.Errorf("the condition on %s has the path %q: args and metadata need one, others have none", c.Field, c.Path)
	}
	for _, t := range c.AnyOf {
		if !slices.Contains(opsOf[kind], t.Op) {
			return fmt.Errorf("%s cannot be compared by %q", c.Field, t.Op)
		}
		if err := t.checkValues(kind); err != nil {
			return fmt.Errorf("%s: %w", c.Field, err)
		}
	}
	return nil
}

func (t Test) checkValues(kind Kind) error {
	switch {
	case kind == KindText && t.Op == Prefix && t.Value != "":
		return fmt.Errorf("only an empty prefix can be tested, not %q", t.Value)
	case t.Value == "" && (t.Op == Contain || t.Op == Equal && kind == KindName):
		return errors.New("a text to compare with is missing")
	}
	if kind == KindJSON && (t.Op == Equal || t.Op == Prefix) {
		return nil
	}
	values := []string{t.Value}
	if t.Op == Between {
		values = append(values, t.To)
	}
	for _, text := range values {
		var err error
		switch kind {
		case KindNumber:
			_, err = strconv.ParseInt(text, 10, 64)
		case KindDuration:
			_, err = time.ParseDuration(text)
		case KindTime:
			_, err = time.Parse(time.RFC3339Nano, text)
		case KindJSON:
			if _, ok := parseDecimal(text); !ok {
				err = fmt.Errorf("%q is no number", text)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Number is the bounds of a checked test of numbers: low ≤ it ≤ high. A time counts in
// microseconds since 1970, a duration in microseconds, as stores keep them.
func (t Test) Number(kind Kind) (low, high int64) {
	n := numberOf(kind, t.Value)
	const least, most = -1 << 63, 1<<63 - 1
	switch t.Op {
	case Below:
		if n == least {
			return most, least // nothing is below
		}
		return least, n - 1
	case AtMost:
		return least, n
	case Above:
		if n == most {
			return most, least
		}
		return n + 1, most
	case AtLeast:
		return n, most
	case Between:
		return n, numberOf(kind, t.To)
	}
	return n, n
}

// numberOf reads what check has accepted.
func numberOf(kind Kind, text string) int64 {
	switch kind {
	case KindDuration:
		d, _ := time.ParseDuration(text)
		return d.Microseconds()
	case KindTime:
		t, _ := time.Parse(time.RFC3339Nano, text)
		return Storable(t).UnixMicro()
	}
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// Holds reports whether the condition holds of a job.
func (c *Condition) Holds(job *Job) bool { return c.any(job) != c.Not }

func (c *Condition) any(job *Job) bool {
	kind := c.Field.Kind()
	switch kind {
	case KindName:
		return slices.ContainsFunc(c.names(job), func(name string) bool {
			return name != "" && slices.ContainsFunc(c.AnyOf, func(t Test) bool { return t.name(name) })
		})
	case KindText:
		return slices.ContainsFunc(c.AnyOf, func(t Test) bool { return c.text(job, t) })
	case KindJSON:
		return c.HoldsIn(c.document(job))
	}
	n, known := c.number(job)
	return known && slices.ContainsFunc(c.AnyOf, func(t Test) bool {
		low, high := t.Number(kind)
		return low <= n && n <= high
	})
}

func (c *Condition) document(job *Job) json.RawMessage {
	if c.Field == FieldArgs {
		return job.Args
	}
	return job.Metadata
}

// names are the values of a field of names; empty ones are none.
func (c *Condition) names(job *Job) []string {
	switch c.Field {
	case FieldType:
		return []string{job.Type}
	case FieldQueue:
		return []string{job.Queue}
	case FieldUser:
		return []string{job.UserID}
	case FieldTarget:
		return []string{job.TargetID}
	case FieldTag:
		return job.Tags
	}
	return []string{c.option(job.Options)}
}

func (c *Condition) option(o *Options) string {
	switch {
	case o == nil:
	case c.Field == FieldSchedule:
		return o.Schedule
	case c.Field == FieldKey && o.Unique != nil:
		return o.Unique.Key
	}
	return ""
}

// HoldsOf reports whether a condition on the unique key or the schedule holds of the
// options of a job.
func (c *Condition) HoldsOf(o *Options) bool { return c.Holds(&Job{Options: o}) }

func (t Test) name(name string) bool {
	if t.Op == Prefix {
		return strings.HasPrefix(name, t.Value)
	}
	return name == t.Value
}

func (c *Condition) text(job *Job, t Test) bool {
	if t.Op == Prefix {
		return job.Error != "" || c.Field != FieldError
	}
	found := containsFold(job.Error, t.Value)
	if c.Field != FieldError {
		found = found || containsFold(string(job.Args), t.Value)
	}
	if c.Field == FieldWord {
		found = found || containsFold(job.Type, t.Value) || strconv.FormatInt(job.ID, 10) == t.Value
	}
	return found
}

// containsFold ignores the case of ASCII alone, as the stores do.
func containsFold(text, part string) bool {
	return strings.Contains(lowerASCII(text), lowerASCII(part))
}

func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

func (c *Condition) number(job *Job) (n int64, known bool) {
	micros := func(t time.Time) (int64, bool) { return t.UnixMicro(), !t.IsZero() }
	switch c.Field {
	case FieldID:
		return job.ID, true
	case FieldAttempt:
		return int64(job.Attempt), true
	case FieldCrashes:
		return int64(job.Crashes), true
	case FieldPriority:
		return int64(job.Priority), true
	case FieldProcess:
		return job.ProcessID, job.ProcessID != 0
	case FieldTook:
		return job.FinishedAt.Sub(job.StartedAt).Microseconds(), !job.FinishedAt.IsZero() && !job.StartedAt.IsZero()
	case FieldQueued:
		return micros(job.QueuedAt)
	case FieldScheduled:
		return micros(job.ScheduledAt)
	case FieldStarted:
		return micros(job.StartedAt)
	case FieldFinished:
		return micros(job.FinishedAt)
	case FieldRuns:
		return micros(job.NextRunAt)
	}
	return 0, false
}

// compare is the order of two numbers of JSON; known: both are numbers.
func compare(a, b string) (order int, known bool) {
	x, ok := parseDecimal(a)
	y, okToo := parseDecimal(b)
	return x.compare(y), ok && okToo
}

// decimal is a number as it is written: 0.digits × 10^exponent. Numbers of any size and
// exponent are compared without being computed.
type decimal struct {
	sign     int    // −1, 0, 1
	digits   string // without zeros at either end
	exponent int64
}

func parseDecimal(text string) (d decimal, ok bool) {
	if !json.Valid([]byte(text)) || text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return d, false
	}
	d.sign = 1
	if text[0] == '-' {
		d.sign, text = -1, text[1:]
	}
	mantissa, power := text, ""
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, power = text[:i], text[i+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	d.digits = strings.TrimRight(digits, "0")
	if d.digits == "" {
		return decimal{}, true
	}
	d.exponent = int64(len(digits) - len(fraction))
	if power != "" {
		p, _ := strconv.ParseInt(power, 10, 64) // out of range: as large as can be
		d.exponent += max(min(p, 1<<62), -1<<62)
	}
	return d, true
}

func (d decimal) compare(e decimal) int {
	if d.sign != e.sign {
		return cmp.Compare(d.sign, e.sign)
	}
	return d.sign * cmp.Or(cmp.Compare(d.exponent, e.exponent), strings.Compare(d.digits, e.digits))
}
