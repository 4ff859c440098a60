package simulation

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	seed  = flag.Uint64("seed", 0, "TestSeed: the one to run, with its history")
	seeds = flag.Int("seeds", 0, "TestSeeds: how many (0: 120, with -short 60)")
	twice = flag.Bool("twice", false, "TestSeeds: every seed, not only every tenth")
	from  = flag.Uint64("from", 1, "TestSeeds: the first")
)

// TestSeeds runs many seeds, and every tenth twice.
func TestSeeds(t *testing.T) {
	n := *seeds
	if n == 0 {
		n = 120
		if testing.Short() {
			n = 60
		}
	}
	results := make([]Result, n)
	began := time.Now()
	t.Run("seeds", func(t *testing.T) {
		for i := range n {
			t.Run(fmt.Sprint(*from+uint64(i)), func(t *testing.T) {
				t.Parallel()
				results[i] = one(t, *from+uint64(i))
			})
		}
	})
	sum(t, results, time.Since(began))
}

func one(t *testing.T, seed uint64) Result {
	t.Helper()
	result := Run(t, seed, Break{})
	for _, violation := range result.Violations {
		t.Error(violation)
	}
	if seed%10 == 0 || *seeds > 0 && *twice {
		mustRepeat(t, seed, result)
	}
	if t.Failed() {
		t.Logf("again, with its history: go test ./internal/simulation -run 'TestSeed$' -v -seed=%d", seed)
	}
	result.History = nil
	return result
}

// mustRepeat: the same seed gives the same history.
func mustRepeat(t *testing.T, seed uint64, result Result) {
	t.Helper()
	if again := Run(t, seed, Break{}); again.Hash != result.Hash {
		t.Errorf("two runs differ: %s", firstDifference(result.History, again.History))
	}
}

func firstDifference(a, b []byte) string {
	from := 0
	for i := range min(len(a), len(b)) {
		if a[i] == '\n' {
			from = i + 1
		}
		if a[i] != b[i] {
			return fmt.Sprintf("\n%s\n%s", a[from:min(len(a), from+400)], b[from:min(len(b), from+400)])
		}
	}
	return "one is longer"
}

func sum(t *testing.T, results []Result, took time.Duration) {
	var all Result
	for _, r := range results {
		all.Simulated += r.Simulated
		all.Steps += r.Steps
		all.Faults += r.Faults
		all.Jobs += r.Jobs
	}
	fmt.Printf("%d seeds in %v: %v simulated, %d steps, %d jobs, %d faults\n",
		len(results), took.Round(time.Millisecond), all.Simulated.Round(time.Second), all.Steps, all.Jobs, all.Faults)
}

// TestSeed runs one seed and shows its history.
func TestSeed(t *testing.T) {
	if *seed == 0 {
		t.Skip("needs -seed")
	}
	Talk()
	result := Run(t, *seed, Break{})
	t.Logf("\n%s", result.History)
	for _, violation := range result.Violations {
		t.Error(violation)
	}
}
