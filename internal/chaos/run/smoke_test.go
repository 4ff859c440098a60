//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/pgtest"
)

func TestMain(m *testing.M) {
	beChild()
	os.Exit(m.Run())
}

// TestSmoke is a short run on both stores at the same time: every promise holds, and
// faults were injected. The seed is that of the day: each day tests other faults, and
// a failure says how to have it again.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	smoke(t, options{For: 45 * time.Second, Every: 1500 * time.Millisecond, Rate: 60, Producers: 2, Workers: 4, Times: quickTimes, Busy: 3 * time.Second}, 10, 500)
}

// TestSmokeUnderTheRaceDetector is a shorter one. A process in which the detector finds
// a race ends with a status of its own, which is a violation.
func TestSmokeUnderTheRaceDetector(t *testing.T) {
	if !raceDetector || !testing.Short() {
		t.Skip("needs -race -short")
	}
	smoke(t, options{For: 15 * time.Second, Every: time.Second, Rate: 15, Producers: 1, Workers: 3, Times: slowTimes, Busy: 3 * time.Second}, 4, 50)
}

// slowTimes leave processes that the race detector slows down the time for their beats.
var slowTimes = times{Beat: time.Second, TimeToDie: 6 * time.Second, SoftStop: time.Second, HardStop: time.Second}

// smoke is a run on each store, beside other tests, with so many faults and jobs at least.
func smoke(t *testing.T, o options, faults, jobs int) {
	o.Seed = uint64(time.Now().YearDay())
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.Store = name
			r, err := runOne(o)
			if errors.Is(err, pgtest.ErrMissing) && os.Getenv("LATER_TEST_REQUIRE_POSTGRES") != "1" {
				fmt.Fprintf(os.Stderr, "NO CHAOS ON POSTGRESQL: %v\n", err)
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			r.markdown(&text)
			if r.Violations() > 0 {
				t.Error(text.String())
			}
			if r.Injected < faults || r.Jobs["acknowledged"] < jobs {
				t.Errorf("%d faults and %d jobs prove little:\n%s", r.Injected, r.Jobs["acknowledged"], text.String())
			}
		})
	}
}

// TestScheduleIsTheSeed: the same seed gives the same faults at the same times.
func TestScheduleIsTheSeed(t *testing.T) {
	describe := func(seed uint64) string {
		var text strings.Builder
		for _, e := range schedule(seed, processFaults, time.Second, time.Minute, quickTimes) {
			fmt.Fprintln(&text, e.name, e.after, e.length, e.victim, e.dice)
		}
		return text.String()
	}
	if one, again := describe(7), describe(7); one != again || one == "" {
		t.Errorf("seed 7:\n%s\nand again:\n%s", one, again)
	}
	if describe(7) == describe(8) {
		t.Error("seeds 7 and 8 are one")
	}
}

// TestSharesAddUp: a kind of job is found for every draw.
func TestSharesAddUp(t *testing.T) {
	total := 0
	for _, k := range kinds {
		total += k.share
	}
	if total != 1000 {
		t.Errorf("the shares are %d in a thousand", total)
	}
}
