package cause

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/laterjobs/later/store"
)

// Failure is what is known when an attempt has failed.
type Failure struct {
	Type  string // of the job
	Err   error
	Panic any    // the value; nil: it was none
	Stack string // of a panic
}

// maxSample bounds the message that is kept of a cause, in bytes.
const maxSample = 4 << 10

// Of finds the cause of a failure. It has no times and counts.
func Of(f Failure) store.Cause {
	message := text(f.Err)
	c := store.Cause{Type: f.Type, ErrorType: errorType(f.Err), Title: Title(message), Sample: printable(message, maxSample)}
	frame := ""
	if f.Panic != nil {
		c.ErrorType = panicType(f.Panic)
		frame = topFrame(f.Stack)
	}
	if c.Title == "" {
		c.Title = c.ErrorType
	}
	c.ID = store.NewCauseID(c.Type, c.ErrorType, c.Title, frame)
	return c
}

// text is the message of an error, whatever its method does.
func text(err error) (message string) {
	if err == nil {
		return ""
	}
	defer func() {
		if value := recover(); value != nil {
			message = "an error whose message panics"
		}
	}()
	return err.Error()
}

// saysNothing are types of errors that are known by their message alone, or that stand
// between an error and its reason.
var saysNothing = map[string]bool{
	"*errors.errorString": true, "*fmt.wrapError": true, "*fmt.wrapErrors": true, "*errors.joinError": true,
	"*os.SyscallError": true, "syscall.Errno": true, // the number is in the message
	"*engine.Discarded": true, "*engine.DelayedRetry": true, "*engine.Panicked": true,
}

// plainError is shown for errors that have no type of their own.
const plainError = "error"

// maxErrors bounds how many errors are looked at: some wrap themselves.
const maxErrors = 50

// errorType is the type of the innermost error that says something. Of several that are
// wrapped at once the first such one counts.
func errorType(err error) string {
	left := maxErrors
	if name := innermost(err, &left); name != "" {
		return printable(name, maxTitle)
	}
	return plainError
}

func innermost(err error, left *int) string {
	if err == nil || *left == 0 {
		return ""
	}
	*left--
	for _, inner := range unwrap(err) {
		if name := innermost(inner, left); name != "" {
			return name
		}
	}
	if name := fmt.Sprintf("%T", err); !saysNothing[name] {
		return name
	}
	return ""
}

func unwrap(err error) (inner []error) {
	defer func() {
		if recover() != nil {
			inner = nil
		}
	}()
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}

// Various is the cause of failures of a type of jobs and of errors whose messages have
// little in common: there would be too many of them.
func Various(c store.Cause) store.Cause {
	c.Title = "(many different messages)"
	c.ID = store.NewCauseID(c.Type, c.ErrorType, c.Title)
	return c
}

// panicType says what was panicked with.
func panicType(value any) string {
	switch value := value.(type) {
	case runtime.Error:
		return "panic: runtime error"
	case string:
		return "panic"
	case error:
		if name := errorType(value); name != plainError {
			return "panic: " + name
		}
		return "panic"
	}
	return "panic: " + printable(fmt.Sprintf("%T", value), maxTitle)
}

// printable is valid UTF-8 without NUL, of at most limit bytes.
func printable(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
		for i := len(s) - 1; i >= max(0, len(s)-4); i-- { // no half characters at the end
			if s[i] >= 0xC0 {
				if !strings.HasSuffix(s, string([]rune(s[i:])[0])) {
					s = s[:i]
				}
				break
			}
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?")
}
