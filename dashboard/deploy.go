package dashboard

import (
	"slices"
	"time"

	"github.com/laterjobs/later"
)

// mark is a moment in a chart that has a name.
type mark struct {
	At    float64   `json:"-"`
	Ends  bool      `json:"-"` // the name stands to the left
	Label string    `json:"version"`
	Since time.Time `json:"since"`
}

// deploys mark when the versions that work now began to. Those of processes that have
// stopped are not known any more.
func (r chartRange) deploys(processes []later.Process, now time.Time) (marks []mark) {
	const most = 4
	first := now.Add(-r.Back).Truncate(r.Step)
	since := map[string]time.Time{}
	for _, p := range processes {
		if began, known := since[p.Version]; p.Version != "" && (!known || p.StartedAt.Before(began)) {
			since[p.Version] = p.StartedAt
		}
	}
	for version, began := range since {
		if share := float64(began.Sub(first)) / float64(now.Sub(first)); share > 0 && share <= 1 {
			x := plotLeft + share*(plotRight-plotLeft)
			marks = append(marks, mark{round(x), x > (plotLeft+plotRight)/2, cut(version, 16), began})
		}
	}
	slices.SortFunc(marks, func(a, b mark) int { return b.Since.Compare(a.Since) })
	return marks[:min(len(marks), most)]
}
