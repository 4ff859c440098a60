// Package leaks insists that the tests of a package leave no goroutine behind. A package
// that wants it has
//
//	func TestMain(m *testing.M) { os.Exit(leaks.Checked{M: m}.Run()) }
package leaks

import (
	"flag"
	"fmt"
	"os"

	"go.uber.org/goleak"
)

// Checked is tests, as testing.M or what surrounds it, and the check after them.
type Checked struct{ M interface{ Run() int } }

// Run runs the tests and returns the exit code: 1 if they pass and leave goroutines.
// When fuzzing, the testing package has goroutines of its own, and there is no check.
func (c Checked) Run() int {
	code := c.M.Run()
	if code != 0 || fuzzing() {
		return code
	}
	if err := goleak.Find(sharedServer...); err != nil {
		fmt.Fprintln(os.Stderr, "the tests leave goroutines:", err)
		return 1
	}
	return 0
}

// sharedServer is what waits for the server that the tests of a package share, and reads
// what it writes. It is stopped after them: see pgtest.Main.
var sharedServer = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/laterjobs/later/internal/pgtest.(*process).run"),
	goleak.IgnoreAnyFunction("os/exec.(*Cmd).writerDescriptor.func1"),
}

func fuzzing() bool {
	target := flag.Lookup("test.fuzz")
	return target != nil && target.Value.String() != ""
}
