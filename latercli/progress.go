package latercli

import (
	"fmt"
	"io"

	"github.com/laterjobs/later"
)

// progressLine shows how far a move is: in one line that is written again and again
// if somebody watches, else only what it waits for.
type progressLine struct {
	w        io.Writer
	watched  bool
	said     string // the last line
	unclosed bool   // the cursor is behind it
}

func (a *app) progressLine() *progressLine {
	return &progressLine{w: a.err, watched: isTerminal(a.err)}
}

func (l *progressLine) moves(p later.MoveProgress) {
	text := fmt.Sprintf("%s %d of %d jobs", p.Step, p.Done, p.Total)
	if p.Step == later.MoveWaiting {
		text = waitingFor(p.Processes)
	} else if !l.watched {
		return
	}
	if text == l.said {
		return
	}
	l.said = text
	if !l.watched {
		fmt.Fprintln(l.w, text)
		return
	}
	fmt.Fprintf(l.w, "\r\x1b[K%s", text)
	l.unclosed = true
}

func waitingFor(processes []later.Process) string {
	first := processes[0]
	text := fmt.Sprintf("waiting for process %d of host %s to stop", first.PID, first.Host)
	if more := len(processes) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return oneLine(printable(text), 120)
}

// end leaves the line.
func (l *progressLine) end() {
	if l.unclosed {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}
