package pgtest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// ErrMissing: a program is not installed, so a test may be skipped.
var ErrMissing = errors.New("`make test` installs it on Debian")

var said sync.Map // what was said on standard error already

// giveUp ends a test that has no server: it is skipped if the programs are
// missing and not required, and fails otherwise.
func giveUp(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrMissing) && os.Getenv("LATER_TEST_REQUIRE_POSTGRES") != "1" {
		skip(t, fmt.Sprintf("NOT TESTED ON POSTGRESQL: %v", err))
		return
	}
	t.Fatal(err)
}

// skip says the line on standard error as well, once: without -v nobody reads why
// a test was skipped.
func skip(t testing.TB, line string) {
	t.Helper()
	if _, before := said.LoadOrStore(line, true); !before {
		fmt.Fprintln(os.Stderr, line)
	}
	t.Skip(line)
}
