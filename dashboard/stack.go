package dashboard

import (
	"path"
	"strings"
)

// stack is the stack of a panic, a frame a line, with those of the program itself
// told from those of libraries.
type stack struct {
	Frames []frame
	Hidden int // frames of libraries
	Text   string
}

type frame struct {
	Function, Place string
	Own             bool
}

// parseStack reads what runtime/debug.Stack writes. Text that is something else is
// kept as it is.
func parseStack(text string) stack {
	s := stack{Text: text}
	lines := strings.Split(text, "\n")
	for i := 0; i+1 < len(lines); i++ {
		place, indented := strings.CutPrefix(lines[i+1], "\t")
		if !indented || strings.HasPrefix(lines[i], "goroutine ") {
			continue
		}
		place, _, _ = strings.Cut(place, " +0x")
		f := frame{Function: shortFunction(lines[i]), Place: shortPlace(place), Own: isOwn(lines[i], place)}
		if !f.Own {
			s.Hidden++
		}
		s.Frames = append(s.Frames, f)
		i++
	}
	return s
}

// shortFunction is package.function without the path and the arguments.
func shortFunction(line string) string {
	line = strings.TrimPrefix(line, "created by ")
	if end := strings.LastIndexByte(line, '('); end > 0 && strings.HasSuffix(line, ")") {
		line = line[:end]
	}
	return path.Base(line)
}

// shortPlace is folder/file.go:line.
func shortPlace(place string) string {
	return path.Join(path.Base(path.Dir(place)), path.Base(place))
}

// isOwn tells frames of the program from those of Go, of later and of modules that
// were downloaded: these lie in a folder whose name has a version.
func isOwn(function, place string) bool {
	function = strings.TrimPrefix(function, "created by ")
	for _, library := range []string{"github.com/laterjobs/later.", "github.com/laterjobs/later/", "panic("} {
		if strings.HasPrefix(function, library) {
			return false
		}
	}
	return !strings.Contains(place, "@v") && !strings.Contains(place, "/src/")
}
