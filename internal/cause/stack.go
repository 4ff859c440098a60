package cause

import "strings"

// Frame is one call of a stack.
type Frame struct {
	Function string
	Place    string // file and line
	Own      bool   // of the program, not of Go's library nor of this one
}

// Frames reads a stack as runtime/debug.Stack writes it, from where it panicked, or all of
// a dump of goroutines: newest first. Text that is neither has no frames.
func Frames(stack string) []Frame {
	lines := strings.Split(stack, "\n")
	frames := parse(lines)
	root := ""
	if len(frames) > 0 { // debug.Stack itself comes first: its file says where Go's library is
		if before, _, found := strings.Cut(frames[0].Place, "runtime/debug/"); found {
			root = before
		}
	}
	for i := range frames {
		if frames[i].Function == "panic" {
			frames = frames[i+1:]
			break
		}
	}
	for i := range frames {
		frames[i].Own = own(frames[i], root)
	}
	return frames
}

// maxFrames bounds what is read: a stack of recursion is cut by Go itself.
const maxFrames = 1000

func parse(lines []string) (frames []Frame) {
	for i := 0; i+1 < len(lines) && len(frames) < maxFrames; i++ {
		place, found := strings.CutPrefix(lines[i+1], "\t")
		if !found || strings.HasPrefix(lines[i], "\t") || lines[i] == "" {
			continue
		}
		name := strings.TrimPrefix(lines[i], "created by ")
		name, _, _ = strings.Cut(name, " in goroutine ")
		if open := strings.LastIndexByte(name, '('); open > 0 {
			name = name[:open]
		}
		place, _, _ = strings.Cut(place, " +0x")
		frames = append(frames, Frame{Function: printable(name, maxTitle), Place: printable(place, maxTitle)})
		i++
	}
	return frames
}

// library is this one: its calls are around every handler.
const library = "github.com/laterjobs/later"

func own(f Frame, root string) bool {
	switch {
	case strings.HasPrefix(f.Function, "main."):
		return true
	case strings.HasPrefix(f.Function, library+".") || strings.HasPrefix(f.Function, library+"/internal/engine."):
		return false
	case root != "":
		return !strings.HasPrefix(f.Place, root) && !strings.Contains(f.Place, "@v") // a module of somebody else
	}
	return !standard(f) && !strings.Contains(f.Place, "@v")
}

// standard tells Go's library by names without a domain, in files below src, or below
// nothing: -trimpath.
func standard(f Frame) bool {
	slash := strings.LastIndexByte(f.Function, '/') + 1
	name, _, _ := strings.Cut(f.Function[slash:], ".")
	pkg := f.Function[:slash] + name
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".") && (strings.HasPrefix(f.Place, pkg+"/") || strings.Contains(f.Place, "/src/"+pkg+"/"))
}

// topFrame is the newest call of the program; of others' if it has none.
func topFrame(stack string) string {
	frames := Frames(stack)
	for _, f := range frames {
		if f.Own {
			return f.Function
		}
	}
	if len(frames) > 0 {
		return frames[0].Function
	}
	return ""
}
