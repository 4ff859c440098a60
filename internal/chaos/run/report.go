//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/internal/chaos/check"
)

// report is what came of one run.
type report struct {
	Store    string                   `json:"store"`
	Seed     uint64                   `json:"seed"`
	Command  string                   `json:"command"` // that does it again
	Machine  string                   `json:"machine"`
	Times    times                    `json:"times"` // nanoseconds
	Took     time.Duration            `json:"took"`
	Drained  time.Duration            `json:"drained"` // from the last fault to the end of the last job
	Faults   map[string]int           `json:"faults"`
	Injected int                      `json:"injected"`
	Skipped  int                      `json:"skipped"` // because another had the victim in hand
	Jobs     map[string]int           `json:"jobs"`
	Moves    int                      `json:"moves"`
	Results  []check.Result           `json:"results"`
	Recovery map[string]time.Duration `json:"recovery"`
	Figures  check.Figures            `json:"figures"`
}

func newReport(o options, n *nemesis, h *check.History, results []check.Result, figures check.Figures, took, drained time.Duration) *report {
	r := &report{
		Store: o.Store, Seed: o.Seed, Command: o.command(), Times: o.Times,
		Machine: fmt.Sprintf("%d cores, %s %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH),
		Took:    took, Drained: drained, Faults: n.counts, Skipped: n.skipped,
		Jobs: jobCounts(h), Moves: len(h.Moves), Results: results, Figures: figures,
		Recovery: quantiles(figures.Recoveries),
	}
	for _, times := range n.counts {
		r.Injected += times
	}
	return r
}

// command does the run again.
func (o options) command() string {
	text := fmt.Sprintf("go run ./internal/chaos/run -store %s -for %v -every %v -rate %v -seed %d", o.Store, o.For, o.Every, o.Rate, o.Seed)
	if o.Times == defaultTimes {
		text += " -defaults"
	}
	if len(o.Only) > 0 {
		text += " -faults '" + strings.Join(o.Only, ",") + "'"
	}
	return text
}

func jobCounts(h *check.History) map[string]int {
	counts := map[string]int{"stored": len(h.Jobs), "handlers called": len(h.Runs), "processes": len(h.Lives)}
	if h.Refused > 0 {
		counts["requests refused by the disk"] = int(h.Refused)
	}
	for _, op := range h.Ops {
		counts[[]string{"unknown", "acknowledged", "rolled back or refused"}[op.Answer]]++
	}
	for _, job := range h.Jobs {
		counts[string(job.Status)]++
	}
	for _, c := range h.Controls {
		if c.Answer == check.OK {
			counts[map[string]string{"cancel": "cancels", "retry": "retries by a person", "hasten": "hastened at the end",
				"pause": "pauses", "resume": "resumes"}[c.Verb]]++
		}
	}
	return counts
}

func quantiles(all []time.Duration) map[string]time.Duration {
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return map[string]time.Duration{
		"p50": all[len(all)/2], "p99": all[len(all)*99/100], "max": all[len(all)-1],
	}
}

// Violations is how many there are.
func (r *report) Violations() (all int) {
	for _, result := range r.Results {
		all += len(result.Violations)
	}
	return all
}

// write prints reports, and writes them to a file in Markdown and to one in JSON.
func write(reports []*report, path string) error {
	for _, r := range reports {
		r.markdown(os.Stdout)
	}
	if path == "" {
		return nil
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, r := range reports {
		r.markdown(file)
	}
	text, err := json.MarshalIndent(reports, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(strings.TrimSuffix(path, ".md")+".json", text, 0o644)
}

// shown is how many violations of one promise are told in words.
const shown = 5

func (r *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "\n## Chaos on %s: %d violations\n\n", r.Store, r.Violations())
	fmt.Fprintf(w, "%v on %s, heartbeat %v, time to die %v; the last job ended %v after the last fault. Again: `%s`\n\n",
		r.Took.Round(time.Second), r.Machine, r.Times.Beat, r.Times.TimeToDie, r.Drained.Round(100*time.Millisecond), r.Command)
	fmt.Fprintf(w, "* %d faults: %s (%d more met a victim that another had in hand)\n", r.Injected, listed(r.Faults), r.Skipped)
	fmt.Fprintf(w, "* jobs: %s; %d moves in the store\n", listed(r.Jobs), r.Moves)
	fmt.Fprintf(w, "* back in line after kill -9: p50 %v, p99 %v, max %v of %d jobs with nothing else in the way (%d with)\n",
		r.Recovery["p50"].Round(time.Millisecond), r.Recovery["p99"].Round(time.Millisecond), r.Recovery["max"].Round(time.Millisecond),
		len(r.Figures.Recoveries), r.Figures.Disturbed)
	fmt.Fprintf(w, "* effects begun for nothing, by cause: %s; handlers at once, by cause: %s\n", listed(r.Figures.Doubled), listed(r.Figures.Overlaps))
	fmt.Fprintf(w, "* longest stop %v; %d handlers told that the lease may be lost; %d stale outcomes refused\n\n",
		r.Figures.LongestEnd.Round(time.Millisecond), r.Figures.Fenced, r.Figures.Stale)
	fmt.Fprintf(w, "| | promise | checked | not testable | violated |\n|---|---|---|---|---|\n")
	for _, result := range r.Results {
		fmt.Fprintf(w, "| %s | %s | %d | %d | %d |\n", result.ID, result.Promise, result.Checked, result.Excused, len(result.Violations))
	}
	for _, result := range r.Results {
		for _, violation := range result.Violations[:min(shown, len(result.Violations))] {
			fmt.Fprintf(w, "\n* **%s** %s", result.ID, violation)
		}
	}
	fmt.Fprintln(w)
}

func listed(counts map[string]int) string {
	if len(counts) == 0 {
		return "none"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(parts, ", ")
}
