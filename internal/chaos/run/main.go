//go:build linux

package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	beChild()
	o := options{Producers: 2, Workers: 4, Times: quickTimes}
	stores := flag.String("store", "both", "sqlite, postgres or both, one after the other")
	flag.DurationVar(&o.For, "for", time.Minute, "how long faults are injected into each store")
	flag.Uint64Var(&o.Seed, "seed", rand.Uint64N(1_000_000), "decides which faults come when")
	flag.Float64Var(&o.Rate, "rate", 100, "jobs a second")
	flag.DurationVar(&o.Every, "every", 4*time.Second, "between two faults, on average")
	only := flag.String("faults", "", "only these, by name, separated by commas")
	real := flag.Bool("defaults", false, "the default heartbeat (3 s) and time to die (15 s) instead of short ones")
	report := flag.String("report", "", "a file for the report in Markdown; the one in JSON goes beside it")
	keep := flag.Bool("keep", false, "keep the folder with all histories")
	together := flag.Bool("together", false, "both stores at the same time")
	flag.Parse()
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	if *real {
		o.Times = defaultTimes
	}
	o.Keep = *keep
	reports, err := runAll(storesOf(*stores), o, *together)
	if err == nil {
		err = write(reports, *report)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, r := range reports {
		if r.Violations() > 0 {
			os.Exit(1)
		}
	}
}

// Times for many faults in little time, and those that a user gets who sets none.
var (
	quickTimes   = times{Beat: 300 * time.Millisecond, TimeToDie: 2 * time.Second, SoftStop: time.Second, HardStop: time.Second}
	defaultTimes = times{Beat: 3 * time.Second, TimeToDie: 15 * time.Second, SoftStop: 5 * time.Second, HardStop: 2 * time.Second}
)

func storesOf(name string) []string {
	if name == "both" {
		return []string{"sqlite", "postgres"}
	}
	return []string{name}
}

func runAll(stores []string, o options, together bool) ([]*report, error) {
	reports, errs := make([]*report, len(stores)), make([]error, len(stores))
	var group sync.WaitGroup
	for i, name := range stores {
		one := o
		one.Store = name
		run := func() { reports[i], errs[i] = runOne(one) }
		if together {
			group.Go(run)
			continue
		}
		run()
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return reports, nil
}
