package latercli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/laterjobs/later"
)

// progressLine shows how far long work is, on the standard error: on a terminal in one
// line that is written again and again, else in a line every ten seconds. What is done
// within half a second shows nothing.
type progressLine struct {
	w       io.Writer
	watched bool // somebody sees the line
	silent  bool
	events  bool // lines are JSON
	what    string
	total   int // 0: not known
	done    int
	started time.Time
	shown   time.Time
	said    string // the last line
	unended bool   // the cursor is behind it
}

const (
	progressAfter = 500 * time.Millisecond
	progressEvery = 100 * time.Millisecond
	progressLines = 10 * time.Second // without a terminal
)

func (a *app) progress(what string, total int) *progressLine {
	now := time.Now()
	return &progressLine{
		w: a.err, watched: isTerminal(a.err) && os.Getenv("TERM") != "dumb" && a.output != "jsonl", silent: a.quiet, events: a.output == "jsonl",
		what: what, total: total, started: now, shown: now,
	}
}

// add counts what has been done.
func (l *progressLine) add(n int) {
	l.done += n
	now := time.Now()
	pause := progressLines
	if l.watched {
		pause = progressEvery
	}
	if l.silent || now.Sub(l.started) < progressAfter || now.Sub(l.shown) < pause {
		return
	}
	l.shown = now
	l.say(l.text(now))
}

func (l *progressLine) text(now time.Time) string {
	rate := float64(l.done) / now.Sub(l.started).Seconds()
	if l.events {
		return l.event(rate)
	}
	if l.total == 0 {
		return fmt.Sprintf("%s: %d, %.0f/s", l.what, l.done, rate)
	}
	const width = 20
	full := min(width, width*l.done/l.total)
	left := ""
	if rate > 0 {
		left = ", " + span(time.Duration(float64(l.total-l.done)/rate*float64(time.Second))) + " left"
	}
	return fmt.Sprintf("%s [%s%s] %d of %d, %.0f/s%s", l.what, strings.Repeat("#", full), strings.Repeat(".", width-full), l.done, l.total, rate, left)
}

// progressEvent is a line of progress for programs, on the standard error.
type progressEvent struct {
	Progress  string  `json:"progress"` // what is being done
	Done      int     `json:"done"`
	Total     int     `json:"total,omitempty"` // 0: not known
	PerSecond float64 `json:"per_second"`
}

func (l *progressLine) event(rate float64) string {
	text, err := json.Marshal(progressEvent{l.what, l.done, l.total, math.Round(rate)})
	if err != nil {
		panic(err) // it is made of numbers and a word
	}
	return string(text)
}

// say writes the line anew.
func (l *progressLine) say(text string) {
	if text == l.said {
		return
	}
	l.said = text
	if !l.watched {
		fmt.Fprintln(l.w, text)
		return
	}
	fmt.Fprintf(l.w, "\r\x1b[K%s", text)
	l.unended = true
}

// moves shows how far a move is, and always what it waits for.
func (l *progressLine) moves(p later.MoveProgress) {
	if p.Step == later.MoveWaiting {
		l.say(waitingFor(p.Processes))
		return
	}
	l.what, l.total, l.done = string(p.Step), int(p.Total), int(p.Done)
	l.add(0)
}

func waitingFor(processes []later.Process) string {
	first := processes[0]
	text := fmt.Sprintf("waiting for process %d of host %s: stop it", first.PID, first.Host)
	if more := len(processes) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return oneLine(printable(text), 120)
}

// end leaves the line.
func (l *progressLine) end() {
	if l.unended {
		fmt.Fprint(l.w, "\r\x1b[K")
		l.unended = false
	}
}
