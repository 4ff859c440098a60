package arguments

import (
	"strings"
)

// Problem is one thing that is wrong with arguments.
type Problem struct {
	Pointer string // where: a JSON pointer; empty for the arguments as a whole
	Message string // what: reads on from the pointer
}

// String is the problem in a sentence, such as `/email "x" is not an email address`.
func (p Problem) String() string {
	if p.Pointer == "" {
		return p.Message
	}
	return p.Pointer + " " + p.Message
}

// Error makes a problem an error.
func (p *Problem) Error() string { return p.String() }

var escaper = strings.NewReplacer("~", "~0", "/", "~1")

// pointerOf is the JSON pointer of a path.
func pointerOf(path []string) string {
	var b strings.Builder
	for _, step := range path {
		if step != "" {
			b.WriteString("/" + escaper.Replace(step))
		}
	}
	return b.String()
}
