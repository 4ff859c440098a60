package dashboard

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
	"github.com/laterjobs/later/store"
)

// pageSize is how many jobs a page lists.
const pageSize = 50

// jobsPage is a list of jobs.
type jobsPage struct {
	Query  string   `json:"query"`
	Wrong  string   `json:"wrong"` // why the query cannot be read
	Tabs   []tab    `json:"tabs"`
	Jobs   []jobRow `json:"jobs"`
	Terms  []chip   `json:"-"`
	Older  string   `json:"older"`  // the address of the next page; "": this is the last
	Newest string   `json:"newest"` // the address of the first page; "": this is the first
	Newer  string   `json:"newer"`  // the address of the page that led here
	Status string   `json:"status"` // the one that the query asks for, if it is one
	Bulk   []verb   `json:"-"`
	At     string   `json:"at"` // the time that it starts at, if one was asked for
	Zone   string   `json:"-"`  // of At

	Suggested []string `json:"-"` // queries that narrow it
	Pins      []pin    `json:"-"`
	Pinned    bool     `json:"-"` // this query is one of them
	Matches   string   `json:"-"` // the query as a filter for an action on all that match

	Looked   int64  `json:"looked"`   // at so many jobs
	About    int64  `json:"about"`    // of about so many; 0: nobody knows
	Took     string `json:"took"`     // so long
	Continue string `json:"continue"` // the address that looks at older ones; "": all were looked at, or the page is full

	ContinueAt string `json:"-"` // when the newest of those was queued
	Matching   string `json:"-"` // how many jobs there are in all, where that is known
}

// chip is a term of the query, with the address of the list without it.
type chip struct{ Text, Without string }

func chips(text string) []chip {
	terms := query.Terms(text)
	if len(terms) < 2 {
		return nil
	}
	found := make([]chip, len(terms))
	for i, t := range terms {
		rest := slices.Delete(slices.Clone(terms), i, i+1)
		found[i] = chip{t, "?" + url.Values{"q": {strings.Join(rest, " ")}}.Encode()}
	}
	return found
}

// tab is a status with how many jobs have it.
type tab struct {
	Status  string `json:"status"`
	Label   string `json:"label"`
	Link    string `json:"-"`
	Count   int64  `json:"count"`
	More    bool   `json:"more"` // there may be more than were counted
	Counted bool   `json:"counted"`
	Current bool   `json:"current"`
}

// jobRow is a job in a list.
type jobRow struct {
	later.Job
	When   string    `json:"when"`
	WhenAt time.Time `json:"-"`
	Took   string    `json:"took,omitempty"`
	Label  string    `json:"-"` // some of its arguments
}

func (b *board) jobs(v *view) error {
	v.Title = "Jobs"
	page := jobsPage{Zone: v.Look.Zone, Query: strings.TrimSpace(v.request.URL.Query().Get("q"))}
	page.Terms, page.Pins = chips(page.Query), pinsOf(v.request)
	page.Pinned = pinned(page.Pins, page.Query) >= 0
	filter, err := query.Parse(page.Query, v.Now.In(v.Look.location))
	if err == nil {
		filter, err = b.guarded(v, filter)
	}
	if err != nil {
		page.Wrong, v.Data = err.Error(), &page
		page.Tabs, err = b.tabs(v, page.Query, filter)
		return err
	}
	if filter.Before, err = b.startOf(v, &page); err != nil {
		return err
	}
	filter.Limit = pageSize
	started := time.Now()
	found, err := b.queue.Search(v.context(), filter, pageReach)
	page.Looked, page.Took = found.Looked, short(time.Since(started))
	jobs := found.Jobs
	if err == nil {
		jobs, err = b.queue.Redact(v.context(), jobs...)
	}
	if err != nil {
		return err
	}
	if page.Suggested, err = b.suggestions(v, page.Query, jobs); err != nil {
		return err
	}
	if found.Next != 0 {
		next := page.after(v.request.URL.Query(), found.Next)
		if len(jobs) == pageSize {
			page.Older = next
		} else {
			page.Continue = next
			if err = b.howFar(v, &page, filter, found.Next); err != nil {
				return err
			}
		}
	}
	for _, job := range jobs {
		page.Jobs = append(page.Jobs, v.row(job))
	}
	if page.Tabs, err = b.tabs(v, page.Query, filter); err != nil {
		return err
	}
	if len(filter.Status) == 1 {
		page.Status = string(filter.Status[0])
	}
	page.Bulk, page.Matching = verbsFor(v.User, filter.Status), matching(page.Tabs)
	v.Data = &page
	return nil
}

// pageReach leaves the rest of the page some of the 250 ms that a search may take.
var pageReach = later.Reach{Time: 170 * time.Millisecond}

// matching is how many jobs there are where a status alone selects them.
func matching(tabs []tab) string {
	for _, t := range tabs {
		if t.Current && t.Counted && t.Status != "" {
			return atLeast(t.Count, t.More)
		}
	}
	return ""
}

// guarded refuses what the user might find out by asking, and looks nowhere for it.
func (b *board) guarded(v *view, f later.Filter) (later.Filter, error) {
	if err := mayAsk(v.User, f); err != nil {
		return f, err
	}
	return b.queue.Guard(v.context(), f)
}

// mayAsk refuses to look through arguments for those who may not see them: what is found
// would tell.
func mayAsk(user User, f later.Filter) error {
	hidden := []store.Field{store.FieldArgs, store.FieldMetadata, store.FieldText, store.FieldWord}
	looks := func(c store.Condition) bool { return slices.Contains(hidden, c.Field) }
	if !user.Can(ViewArgs) && (f.Text != "" || slices.ContainsFunc(f.Match, looks)) {
		return errors.New("you may not see arguments, and so not search in them: name a field, as in type:EmailJob or error:timeout")
	}
	return nil
}

// tabs are the statuses. Counts are those of all jobs: they are shown where nothing
// else narrows the list.
func (b *board) tabs(v *view, text string, filter later.Filter) ([]tab, error) {
	plain := query.With(text, "status", "") == ""
	var counts later.Stats
	if plain {
		var err error
		if counts, err = b.stats(v, problemsKept); err != nil {
			return nil, err
		}
	}
	tabs := []tab{{Label: "All", Link: "?" + url.Values{"q": {query.With(text, "status", "")}}.Encode(), Current: len(filter.Status) == 0}}
	for _, status := range usedStatuses {
		tabs = append(tabs, tab{
			Status: string(status), Label: string(status), Link: "?" + url.Values{"q": {query.With(text, "status", string(status))}}.Encode(),
			Count: counts.Counts[status], More: counts.More[status], Counted: plain, Current: len(filter.Status) == 1 && filter.Status[0] == status,
		})
	}
	return tabs, nil
}

// row is a job as a list shows it: what its time means depends on its status.
func (v *view) row(job later.Job) jobRow {
	row := jobRow{Job: job}
	switch job.Status {
	case later.StatusScheduled, later.StatusRetrying:
		row.When, row.WhenAt = until(v.Now, job.NextRunAt), job.NextRunAt
	case later.StatusPending:
		row.When, row.WhenAt = "waits for "+coarse(v.Now.Sub(job.QueuedAt)), job.QueuedAt
	case later.StatusRunning:
		row.When, row.WhenAt = "for "+short(v.Now.Sub(job.StartedAt)), job.StartedAt
	default:
		row.When, row.WhenAt = ago(v.Now, job.FinishedAt), job.FinishedAt
	}
	if job.Status.Finished() && !job.StartedAt.IsZero() {
		row.Took = short(job.FinishedAt.Sub(job.StartedAt))
	}
	if v.User.Can(ViewArgs) {
		row.Label = label(job.Args)
	} else { // the data of a page are asked for as JSON, too
		row.Args, row.Result, row.Metadata = nil, nil, nil
		if job.Options != nil {
			shown := *job.Options
			shown.Carried = nil
			row.Options = &shown
		}
	}
	return row
}

func escape(text string) string { return url.QueryEscape(text) }
