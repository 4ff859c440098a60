package sqlite_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// keyed is a job with a unique key.
func keyed(key string, scope store.UniqueScope) store.NewJob {
	return store.NewJob{
		Type: "MyJob", Queue: "default", Args: []byte("1"),
		Options: &store.Options{Unique: &store.Unique{Key: key, Scope: scope, Period: time.Hour}},
	}
}

// childKeys is how many keys each process goes through.
const childKeys = 200

// TestUniqueChild is the other process of TestUniqueInTwoProcesses: it says how many jobs
// it has stored.
func TestUniqueChild(t *testing.T) {
	path := os.Getenv("LATER_UNIQUE_CHILD")
	if path == "" {
		t.Skip("it is a part of TestUniqueInTwoProcesses")
	}
	fmt.Printf("stored %d\n", storeKeys(t, open(t, path)))
}

func storeKeys(t *testing.T, s *sqlite.Store) (stored int) {
	t.Helper()
	for n := range childKeys {
		enqueued, err := s.Enqueue(t.Context(), []store.NewJob{keyed(strconv.Itoa(n), store.UniqueUntilDone)}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if enqueued[0].Holder == nil {
			stored++
		}
	}
	return stored
}

// TestUniqueInTwoProcesses: processes go through the same keys at the same time, and each
// key is stored once.
func TestUniqueInTwoProcesses(t *testing.T) {
	path := file(t)
	s := open(t, path)
	var outputs [2]strings.Builder
	var children [2]*exec.Cmd
	for i := range children {
		children[i] = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestUniqueChild$", "-test.v")
		children[i].Env = append(os.Environ(), "LATER_UNIQUE_CHILD="+path)
		children[i].Stdout = &outputs[i]
		if err := children[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	total := storeKeys(t, s)
	for i, child := range children {
		if err := child.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, outputs[i].String())
		}
		_, said, found := strings.Cut(outputs[i].String(), "stored ")
		n, err := strconv.Atoi(strings.Fields(said + " x")[0])
		if !found || err != nil {
			t.Fatalf("the child said %q", outputs[i].String())
		}
		total += n
	}
	if total != childKeys {
		t.Errorf("%d jobs were stored for %d keys", total, childKeys)
	}
	jobs, err := s.List(t.Context(), store.Filter{Limit: 10_000})
	if err != nil || len(jobs) != childKeys {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
}

// TestUniqueRowsThatAreVoid: a key whose job somebody has deleted by hand, or that an
// older program has not freed, is free.
func TestUniqueRowsThatAreVoid(t *testing.T) {
	all := []store.UniqueScope{store.UniqueUntilDone, store.UniqueWhileWaiting, store.UniquePeriod}
	for _, scope := range all {
		for _, test := range []struct {
			name, spoil string
			free        []store.UniqueScope
		}{
			{"the job is gone", "DELETE FROM later_job", all},
			{"the job has finished", "INSERT INTO later_finished (job_id, status, attempt, crashes, finished_at) SELECT id, 1, 1, 0, 0 FROM later_job; DELETE FROM later_ready", all[:2]},
			{"the job was claimed", "DELETE FROM later_ready; INSERT INTO later_claimed SELECT id, 1, 1, 1, queue, type, 0, 1, 0, 0 FROM later_job", all[1:2]},
			{"its options are not readable", `UPDATE later_job SET options = '{"unique":'`, nil},
		} {
			s := open(t, ":memory:")
			offer := func() store.Enqueued {
				enqueued, err := s.Enqueue(t.Context(), []store.NewJob{keyed("k", scope)}, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				return enqueued[0]
			}
			offer()
			if _, err := s.DB().Exec(test.spoil); err != nil {
				t.Fatal(err)
			}
			wanted := false
			for _, each := range test.free {
				wanted = wanted || each == scope
			}
			if free := offer().Holder == nil; free != wanted {
				t.Errorf("%s, %s: free %v", scope, test.name, free)
			}
			var rows, shown int
			if err := s.DB().QueryRow("SELECT count(*) FROM later_unique_key").Scan(&rows); err != nil || rows != 1 {
				t.Errorf("%s, %s: %d rows, %v", scope, test.name, rows, err)
			}
			if err := s.DB().QueryRow("SELECT count(*) FROM jobs").Scan(&shown); err != nil {
				t.Errorf("%s, %s: %v", scope, test.name, err)
			}
		}
	}
}
