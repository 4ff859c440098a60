//go:build unix

package crash

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/laterjobs/later/internal/faultyfs"
)

func TestMain(m *testing.M) {
	if err := faultyfs.Register(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// number is a number of the environment, or the usual one.
func number(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%s: %v", name, text, err)
	}
	return n
}
