package latertest

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"

	"github.com/laterjobs/later"
)

// Match narrows an assertion: Args and Where say which jobs are meant, Times how many.
type Match struct{ apply func(*wanted) }

// Args selects the jobs with these arguments: those that are stored as the same JSON.
func Args[A any](args A) Match {
	want, err := json.Marshal(args)
	return condition(fmt.Sprintf("with the arguments %s", want), func(_ later.Job, args any) (bool, error) {
		if err != nil {
			return false, fmt.Errorf("the arguments of latertest.Args: %w", err)
		}
		if _, fits := args.(A); !fits {
			return false, wrongType[A]("Args", args)
		}
		have, err := json.Marshal(args)
		return string(have) == string(want), err
	})
}

// Where selects the jobs for which fn returns true.
func Where[A any](fn func(Job[A]) bool) Match {
	text := "that latertest.Where selects"
	if _, file, line, ok := runtime.Caller(1); ok {
		text += fmt.Sprintf(" at %s:%d", file[strings.LastIndexByte(file, '/')+1:], line)
	}
	return condition(text, func(job later.Job, args any) (bool, error) {
		typed, fits := args.(A)
		if !fits {
			return false, wrongType[A]("Where", args)
		}
		return fn(Job[A]{job, typed}), nil
	})
}

// Times asks for exactly n jobs. Without it an assertion asks for at least one.
func Times(n int) Match { return Match{func(w *wanted) { w.times = n }} }

// wanted is what an assertion asks for.
type wanted struct {
	times      int // atLeastOne, or exactly
	conditions []conditional
}

const atLeastOne = -1

type conditional struct {
	text  string // follows "job "
	holds func(job later.Job, args any) (bool, error)
}

func condition(text string, holds func(later.Job, any) (bool, error)) Match {
	return Match{func(w *wanted) { w.conditions = append(w.conditions, conditional{text, holds}) }}
}

func wantedBy(matches []Match) wanted {
	w := wanted{times: atLeastOne}
	for _, match := range matches {
		match.apply(&w)
	}
	return w
}

func (w wanted) selects(job later.Job, args any) (bool, error) {
	for _, c := range w.conditions {
		if holds, err := c.holds(job, args); err != nil || !holds {
			return false, err
		}
	}
	return true, nil
}

// met reports whether n jobs are as many as were asked for.
func (w wanted) met(n int) bool { return n == w.times || w.times == atLeastOne && n > 0 }

func (w wanted) String() string {
	var texts []string
	for _, c := range w.conditions {
		texts = append(texts, c.text)
	}
	return strings.Join(texts, " and ")
}

func wrongType[A any](function string, args any) error {
	var mistaken A
	return fmt.Errorf("latertest.%s is about arguments of the type %T, the definition has %T", function, mistaken, args)
}
