package dashboard

import (
	"path"

	"github.com/laterjobs/later/internal/cause"
)

// stack is a stack, a frame a line, with those of the program itself told from those of
// libraries.
type stack struct {
	Frames []cause.Frame // with short names
	Hidden int           // frames of libraries
	Text   string
}

// parseStack keeps text that is no stack as it is.
func parseStack(text string) stack {
	s := stack{Text: text, Frames: cause.Frames(text)}
	for i := range s.Frames {
		f := &s.Frames[i]
		f.Function, f.Place = path.Base(f.Function), path.Join(path.Base(path.Dir(f.Place)), path.Base(f.Place))
		if !f.Own {
			s.Hidden++
		}
	}
	return s
}

// Own reports whether there is a frame of the program itself.
func (s stack) Own() bool { return s.Hidden < len(s.Frames) }
