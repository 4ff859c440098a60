package soak

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// leftovers are what a process has, to be compared with what it has when all is stopped
// and closed.
type leftovers struct {
	goroutines int
	files      map[string]int // descriptors, by what is open
}

// atStart looks at a process that has not begun yet.
func atStart() leftovers {
	if r, w, err := os.Pipe(); err == nil { // the runtime opens two descriptors of its own for the first one that it waits for
		r.Close()
		w.Close()
	}
	return leftovers{goroutines: runtime.NumGoroutine(), files: openFiles()}
}

// openFiles counts the descriptors of the process by what they lead to.
func openFiles() map[string]int {
	files := map[string]int{}
	const folder = "/proc/self/fd" // Linux
	entries, err := os.ReadDir(folder)
	if err != nil {
		return files
	}
	for _, entry := range entries {
		if file, err := os.Readlink(filepath.Join(folder, entry.Name())); err == nil { // not that of the folder itself
			files[file]++
		}
	}
	return files
}

// stay says what there is more of than before, by name. What ends a moment later is
// waited for.
func (before leftovers) stay() (left []string) {
	for deadline := time.Now().Add(10 * time.Second); ; <-time.After(50 * time.Millisecond) {
		if left = before.more(); len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}

func (before leftovers) more() (left []string) {
	if now := runtime.NumGoroutine(); now > before.goroutines {
		left = append(left, fmt.Sprintf("%d goroutines, %d before the start", now, before.goroutines))
	}
	files := openFiles()
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if files[file] > before.files[file] {
			left = append(left, fmt.Sprintf("%d descriptors of %s, %d before the start", files[file], file, before.files[file]))
		}
	}
	return left
}

// TestLeftovers: what stays open is found, by its name.
func TestLeftovers(t *testing.T) {
	if len(openFiles()) == 0 {
		t.Skip("this system does not tell which files are open")
	}
	path := filepath.Join(t.TempDir(), "forgotten")
	before := atStart()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	want := fmt.Sprintf("1 descriptors of %s, 0 before the start", path)
	if left := before.more(); !slices.Contains(left, want) {
		t.Errorf("%s is open, and found is %q", path, left)
	}
}
