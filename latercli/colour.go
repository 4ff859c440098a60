package latercli

import (
	"os"

	"github.com/laterjobs/later"
)

// The colours, as a terminal knows them.
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

var colours = map[string]string{
	string(later.StatusRunning): cyan, string(later.StatusCompleted): green, string(later.StatusFailed): red,
	string(later.StatusRetrying): yellow, string(later.StatusCancelled): faint, string(later.StatusScheduled): faint,
	"paused": yellow, "retried": yellow, "crashed": red,
	"died": red, "silent": red, "no process": red, "broken": red,
}

// colourOf is the colour of a status. The word alone says the same.
func colourOf(word string) string { return colours[word] }

// paint colours a text, if that is wanted.
func (a *app) paint(colour, text string) string {
	if colour == "" || text == "" || !a.coloured {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// wantsColour decides by --color, and by the environment if that is auto.
func (a *app) wantsColour() (bool, error) {
	switch a.color {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
	default:
		return false, usagef("--color %q: choose auto, always or never", a.color)
	}
	switch {
	case os.Getenv("NO_COLOR") != "":
		return false, nil
	case os.Getenv("CLICOLOR_FORCE") != "" && os.Getenv("CLICOLOR_FORCE") != "0":
		return true, nil
	}
	return os.Getenv("TERM") != "dumb" && isTerminal(a.out), nil
}
