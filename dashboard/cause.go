package dashboard

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
	"github.com/laterjobs/later/store"
)

const (
	sampledJobs = 200 // of how many jobs the arguments are compared
	listedJobs  = 20  // how many are listed
)

// causePage is one cause with the jobs that have it.
type causePage struct {
	causeRow
	Query   string          `json:"query"`  // that selects its jobs
	Sample  string          `json:"newest"` // the error of the newest job
	Stack   stack           `json:"-"`
	From    int64           `json:"newest_job"` // the job of the sample; 0: none is left
	Where   []string        `json:"where"`
	Sampled int             `json:"sampled"`
	Common  []commonArg     `json:"common"`
	Jobs    []jobRow        `json:"jobs"`
	May     map[string]bool `json:"-"`
}

// commonArg is a value that an argument often has among the jobs of a sample.
type commonArg struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Jobs  int    `json:"jobs"`
}

func (b *board) cause(v *view) error {
	id, err := store.ParseCauseID(v.request.PathValue("id"))
	if err != nil {
		return notFound("%q is no id of a cause.", v.request.PathValue("id"))
	}
	rows, err := b.causeRows(v, []later.Cause{{ID: id}})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return notFound("Nothing is known of the cause %s. It is forgotten when no job has failed of it for 30 days.", id)
	}
	page := &causePage{causeRow: rows[0], Query: query.Term("cause", id.String()), Sample: rows[0].Cause.Sample}
	v.Title = page.Title
	jobs, err := b.queue.List(v.context(), later.Filter{Cause: id, Limit: sampledJobs})
	if err == nil {
		jobs, err = b.queue.Redact(v.context(), jobs...)
	}
	if err != nil {
		return err
	}
	page.Sampled = len(jobs)
	for _, job := range jobs[:min(len(jobs), listedJobs)] {
		page.Jobs = append(page.Jobs, v.row(job))
	}
	if v.User.Can(ViewArgs) {
		page.Common = commonArgs(jobs)
	}
	if err := b.sampleOf(v, page, jobs); err != nil {
		return err
	}
	if page.Where, err = b.whereOf(v, jobs); err != nil {
		return err
	}
	page.May = map[string]bool{"retry": v.User.Can(Retry | Bulk), "cancel": v.User.Can(Cancel | Bulk), "mute": v.User.Can(Retry)}
	v.Data = page
	return nil
}

// sampleOf shows the newest failure that is kept.
func (b *board) sampleOf(v *view, page *causePage, jobs []later.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	page.From = jobs[0].ID
	attempts, err := b.queue.Attempts(v.context(), page.From)
	for _, a := range slices.Backward(attempts) {
		if a.Cause == page.ID {
			page.Sample, page.Stack = a.Error, parseStack(a.Stack)
			break
		}
	}
	return err
}

// whereOf are the processes that ran the jobs last, with their versions, the most first.
func (b *board) whereOf(v *view, jobs []later.Job) ([]string, error) {
	const most = 5
	processes, err := b.queue.Processes(v.context())
	if err != nil {
		return nil, err
	}
	counts := map[int64]int{}
	for _, job := range jobs {
		if job.ProcessID != 0 {
			counts[job.ProcessID]++
		}
	}
	var where []string
	for _, id := range byCount(counts)[:min(len(counts), most)] {
		name := fmt.Sprintf("process %d, which is gone", id)
		for _, p := range processes {
			if p.ID == id {
				name = strings.TrimSpace(fmt.Sprintf("%s %d %s", p.Host, p.PID, p.Version))
			}
		}
		where = append(where, name+": "+plural(int64(counts[id]), "job", "jobs"))
	}
	return where, nil
}

func byCount[K cmp.Ordered](counts map[K]int) (keys []K) {
	for key := range counts {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b K) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return keys
}

// commonArgs are values of arguments that at least half of the jobs share.
func commonArgs(jobs []later.Job) (common []commonArg) {
	const most, longest = 10, 200
	type pair struct{ name, value string }
	counts := map[string]int{}
	pairs := map[string]pair{}
	for _, job := range jobs {
		var args map[string]json.RawMessage
		if json.Unmarshal(job.Args, &args) != nil {
			continue
		}
		for name, value := range args {
			if len(value) <= longest && len(name) <= longest {
				key := strconv.Quote(name) + string(value)
				counts[key]++
				pairs[key] = pair{name, string(value)}
			}
		}
	}
	for _, key := range byCount(counts) {
		if counts[key] < 2 || 2*counts[key] < len(jobs) || len(common) == most {
			break
		}
		common = append(common, commonArg{pairs[key].name, pairs[key].value, counts[key]})
	}
	return common
}

// muteCause does what a form on the page of a cause says.
func (b *board) muteCause(v *view) (string, error) {
	if err := v.need(Retry); err != nil {
		return "", err
	}
	form := v.request.PostForm
	id, err := store.ParseCauseID(form.Get("cause"))
	if err != nil {
		return "", badRequest("%q is no id of a cause.", form.Get("cause"))
	}
	const longest = 365 * 24
	hours, err := strconv.Atoi(form.Get("hours"))
	if err != nil || hours < 0 || hours > longest {
		return "", badRequest("%q is no number of hours: choose 0 to %d.", form.Get("hours"), longest)
	}
	if hours == 0 {
		return "It raises attention again.", b.queue.Mute(v.context(), id, time.Time{})
	}
	until := v.Now.Add(time.Duration(hours) * time.Hour)
	return "Muted until " + v.Time(until) + ".", b.queue.Mute(v.context(), id, until)
}
