package cron

import (
	"flag"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var whole = flag.Bool("whole", false, "compare every rule at every clock change of every zone from 1970 to 2040, not a sample")

// oracleRules are of every kind that clock changes treat differently.
var oracleRules = []string{
	"* * * * *", "*/15 * * * *", "0 * * * *", "5,35 * * * *", "7 0-23 * * *", "0-59 1 * * *",
	"30 2 * * *", "0 2 * * *", "30 1 * * *", "0 0 * * *", "59 23 * * *", "15 0,1,2,3 * * *", "*/20 2 * * *", "0 */2 * * *", "0 */12 * * *",
	"30 0-3 * * SUN", "0 3 L * *", "45 1 * * SUNL", "10 2 8-14 * 0", "0 0 30 12 *", "20 2 13 * 5", "0 12 1 1 ?",
}

// changes are the instants from 1970 to 2040 at which the zone's clocks jump.
func changes(zone *time.Location) (found []time.Time) {
	offset := func(at int64) int { _, o := time.Unix(at, 0).In(zone).Zone(); return o }
	const stride = 3 * 60 * 60
	for at := int64(0); at < time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC).Unix(); at += stride {
		if offset(at) == offset(at+stride) {
			continue
		}
		low, high := at, at+stride
		for high-low > 1 {
			if middle := (low + high) / 2; offset(middle) == offset(low) {
				low = middle
			} else {
				high = middle
			}
		}
		found = append(found, time.Unix(high, 0))
	}
	return found
}

// boundaries are those that the zone itself tells, which is quicker.
func boundaries(zone *time.Location) (found []time.Time) {
	at := time.Unix(0, 0).In(zone)
	for {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.Year() >= 2040 {
			return found
		}
		found = append(found, end)
		at = end
	}
}

// zoneNames are the machine's zones, each once, however many names it has.
func zoneNames(t *testing.T) (names []string) {
	seen := map[string]bool{}
	const root = "/usr/share/zoneinfo"
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name := strings.TrimPrefix(path, root+"/")
		if err != nil || entry.IsDir() || strings.HasPrefix(name, "right/") || strings.HasPrefix(name, "posix/") {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(content), "TZif") || seen[string(content)] {
			return nil
		}
		seen[string(content)] = true
		if _, err := time.LoadLocation(name); err == nil {
			names = append(names, name)
		}
		return nil
	})
	if len(names) == 0 {
		t.Log("this machine has no zones of its own; some of those in the program")
		names = strings.Fields("UTC Europe/Berlin America/New_York Australia/Lord_Howe Africa/Cairo Pacific/Apia America/Sao_Paulo Asia/Gaza Antarctica/Troll Africa/Casablanca")
	}
	return names
}

// TestNextAtEveryClockChange compares Next with the oracle around the clock changes of
// all zones: a sample, or with -whole all of them.
func TestNextAtEveryClockChange(t *testing.T) {
	names := zoneNames(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	if !*whole {
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:min(len(names), 200)]
	}
	work := make(chan string)
	var workers sync.WaitGroup
	var mu sync.Mutex
	compared := 0
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for name := range work {
				n := compareZone(t, name, rand.New(rand.NewPCG(seed, uint64(len(name)))))
				mu.Lock()
				compared += n
				mu.Unlock()
			}
		})
	}
	for _, name := range names {
		work <- name
	}
	close(work)
	workers.Wait()
	t.Logf("%d zones, %d comparisons of a rule at a clock change", len(names), compared)
	if compared < 100 {
		t.Error("hardly anything was compared")
	}
}

func compareZone(t *testing.T, name string, random *rand.Rand) (compared int) {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Error(err)
		return 0
	}
	rules := oracleRules
	var at []time.Time
	if *whole {
		at = changes(zone)
	} else {
		at = boundaries(zone)
		random.Shuffle(len(at), func(i, j int) { at[i], at[j] = at[j], at[i] })
		at = at[:min(len(at), 1)]
	}
	for _, change := range at {
		if !*whole {
			first := random.IntN(len(rules))
			rules = append(slices.Clone(oracleRules[first:]), oracleRules[:first]...)[:2]
		}
		for _, expression := range rules {
			compare(t, expression, name, change.Add(-4*time.Hour), change.Add(28*time.Hour))
			compared++
		}
	}
	return compared
}

// compare asks Next from one due instant to the next, and the oracle for all of them.
func compare(t *testing.T, expression, zone string, from, to time.Time) {
	t.Helper()
	rule, err := Parse(expression, zone, time.Time{})
	if err != nil {
		t.Error(err)
		return
	}
	var got []time.Time
	for at := rule.Next(from); !at.IsZero() && !at.After(to); at = rule.Next(at) {
		if len(got) > 0 && !at.After(got[len(got)-1]) {
			t.Errorf("%s in %s: after %v comes %v", expression, zone, got[len(got)-1], at)
			return
		}
		got = append(got, at)
	}
	want := newOracle(expression).due(rule.Zone(), from, to, stepFor(expression, rule.Zone(), from, to))
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Errorf("%s in %s from %v to %v:\n got  %v\n want %v", expression, zone, from.In(rule.Zone()), to.In(rule.Zone()), got, want)
	}
}

// stepFor is how far apart the instants are that show a whole minute, if the rule has
// no seconds.
func stepFor(expression string, zone *time.Location, from, to time.Time) int64 {
	if len(strings.Fields(expression)) == 6 {
		return 1
	}
	step := int64(60)
	for at := from.Add(-27 * time.Hour); at.Before(to.Add(time.Hour)); at = at.Add(time.Hour) {
		if _, offset := at.In(zone).Zone(); offset%60 != 0 || at.Unix()%60 != 0 {
			step = 1
		}
	}
	return step
}
