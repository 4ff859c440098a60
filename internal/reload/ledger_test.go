package reload

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The words of the ledger. Each comes with the id of a job and a number.
const (
	started      = "started"      // the program works, and listens to signals
	acknowledged = "acknowledged" // PerformLater has returned
	began        = "began"        // the handler was called; the number is the attempt
	ended        = "ended"        // the handler is about to return
	stepped      = "stepped"      // a walk has made a step; the number says which
	deafened     = "deafened"     // the handler that does not listen was called
	stopped      = "stopped"      // Stop has returned; the number is how many milliseconds it took
)

// ledger is a file to which all processes append. The order of its lines is the order
// in which things happened, whatever the clocks say: what a handler does lies between
// its two lines.
type ledger struct{ file *os.File }

func openLedger(dir string) (*ledger, error) {
	file, err := os.OpenFile(filepath.Join(dir, "ledger"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	return &ledger{file}, err
}

// say appends a line in one write.
func (l *ledger) say(word string, id int64, number int) {
	if _, err := fmt.Fprintln(l.file, os.Getpid(), word, id, number); err != nil {
		panic(err) // a test without its ledger proves nothing
	}
}

type entry struct {
	pid    int
	word   string
	id     int64
	number int
}

func readLedger(t testing.TB, dir string) (entries []entry) {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, "ledger"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var e entry
		if _, err := fmt.Sscan(lines.Text(), &e.pid, &e.word, &e.id, &e.number); err != nil {
			t.Fatalf("the ledger says %q: %v", lines.Text(), err)
		}
		entries = append(entries, e)
	}
	return entries
}

// history is what a ledger says about jobs.
type history struct {
	acknowledged []int64
	interrupted  int // performings beyond the first of a job
	stops        []int
	problems     []string
}

// read checks that no job is performed by two at once, that every performing is the
// first attempt, and that no walk makes a step twice or leaves one out.
func read(entries []entry) (h history) {
	running, performed, steps := map[int64]int{}, map[int64]bool{}, map[int64]int{}
	problem := func(format string, args ...any) { h.problems = append(h.problems, fmt.Sprintf(format, args...)) }
	for _, e := range entries {
		switch e.word {
		case acknowledged:
			h.acknowledged = append(h.acknowledged, e.id)
		case began:
			if pid, busy := running[e.id]; busy {
				problem("process %d performs job %d while process %d does", e.pid, e.id, pid)
			}
			if e.number != 1 {
				problem("job %d is performed as attempt %d", e.id, e.number)
			}
			if performed[e.id] {
				h.interrupted++
			}
			running[e.id], performed[e.id] = e.pid, true
		case ended:
			delete(running, e.id)
		case stepped:
			if e.number != steps[e.id] {
				problem("job %d makes step %d after %d", e.id, e.number, steps[e.id])
			}
			steps[e.id]++
		case stopped:
			h.stops = append(h.stops, e.number)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(running)) {
		problem("process %d ended while it performed job %d", running[id], id)
	}
	return h
}

func TestReadFindsWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries []entry
		problem string
	}{
		{"one after the other", []entry{{1, began, 7, 1}, {1, ended, 7, 1}, {2, began, 7, 1}, {2, ended, 7, 1}}, ""},
		{"two at once", []entry{{1, began, 7, 1}, {2, began, 7, 1}, {1, ended, 7, 1}},
			"process 2 performs job 7 while process 1 does"},
		{"a second attempt", []entry{{1, began, 7, 2}, {1, ended, 7, 2}}, "job 7 is performed as attempt 2"},
		{"no end", []entry{{1, began, 7, 1}}, "process 1 ended while it performed job 7"},
		{"a step twice", []entry{{1, stepped, 7, 0}, {2, stepped, 7, 0}}, "job 7 makes step 0 after 1"},
		{"a step left out", []entry{{1, stepped, 7, 0}, {2, stepped, 7, 2}}, "job 7 makes step 2 after 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			problems := read(test.entries).problems
			if test.problem == "" && len(problems) > 0 || test.problem != "" && !slices.Contains(problems, test.problem) {
				t.Errorf("%q", problems)
			}
		})
	}
}
