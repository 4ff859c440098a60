package dashboard

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
	"github.com/laterjobs/later/store"
)

// bulkPage asks before all jobs that match a query are changed.
type bulkPage struct {
	Verb    verb        `json:"-"`
	Action  string      `json:"action"`
	Query   string      `json:"query"`
	At      string      `json:"at"` // when the query was read: what "2h" in it counts from
	Counts  []bulkCount `json:"counts"`
	Matches int64       `json:"matches"`
	Touched int64       `json:"touched"`
	More    bool        `json:"more"` // there are others: to count them would take too long
	Samples []jobRow    `json:"samples"`
	Needs   []string    `json:"permissions"`
	Word    string      `json:"word,omitempty"` // that must be typed

	When   string `json:"-"` // the new time, as typed
	Name   string `json:"-"` // of the queue that is emptied
	Few    bool   `json:"-"` // they were chosen one by one
	Reason string `json:"-"`
	Wrong  string `json:"-"`
	Back   string `json:"-"`

	filter later.Filter
}

// bulkCount is the jobs of one status.
type bulkCount struct {
	Status later.JobStatus `json:"status"`
	Jobs   int64           `json:"jobs"`
	Spared string          `json:"left_alone,omitempty"` // why; "": they are changed
}

const (
	countTime   = 180 * time.Millisecond // how long jobs are counted
	countLeast  = 40 * time.Millisecond  // what must be left of it to look once more
	countPage   = 1000                   // how many at once
	sampledBulk = 3                      // how many are shown
)

// bulkOf is the page that asks before all jobs of a query are changed.
func bulkOf(verb, text, back string) string {
	return "ops/new?" + url.Values{"do": {verb}, "q": {text}, "back": {back}}.Encode()
}

// emptyOf is the page that asks before what waits in a queue is deleted.
func emptyOf(queue, back string) string {
	waiting := query.Term("queue", queue) + " status:pending,scheduled,retrying"
	return "ops/new?" + url.Values{"do": {"delete"}, "q": {waiting}, "name": {queue}, "back": {back}}.Encode()
}

// spared is why a verb leaves the jobs in a status alone; "": it does not.
func (v *verb) spared(status later.JobStatus) string {
	switch {
	case slices.Contains(v.fits, status):
		return ""
	case v.Name == "delete":
		return "it runs: cancel it first"
	case status.Finished():
		return "it has ended"
	case status == later.StatusRunning:
		return "it runs already"
	case status == later.StatusPending:
		return "it can start already"
	case status == later.StatusRetrying:
		return "it has failed: retry it instead"
	}
	return "its time has not come: run it now instead"
}

// About is what people must know before they do it to many jobs.
func (v verb) About() string {
	if v.Name == "cancel" {
		return "They stop for good, unless somebody retries them."
	}
	return ""
}

// Does is what happens to a job in a status that the verb fits.
func (v verb) Does(status later.JobStatus) string {
	switch {
	case v.Name == "retry" && status == later.StatusRetrying:
		return "runs now instead of later"
	case v.Name == "retry":
		return "runs again now, with its full retries"
	case v.Name == "run":
		return "runs now instead of at its time"
	case v.Name == "reschedule":
		return "waits for its new time"
	case v.Name == "cancel" && status == later.StatusRunning:
		return "is asked to stop; this cannot be undone"
	case v.Name == "cancel":
		return "stops for good"
	}
	return "is removed, with its history"
}

// fitting are the statuses of a filter that the verb fits.
func (v *verb) fitting(f later.Filter) []later.JobStatus {
	return slices.DeleteFunc(slices.Clone(v.fits), func(s later.JobStatus) bool { return len(f.Status) > 0 && !slices.Contains(f.Status, s) })
}

// of is an operation that does what the verb does; at is when jobs are to run. To run jobs
// now moves those only that wait for their time: the others would lose their place in line.
func (v *verb) of(f later.Filter, at time.Time) later.Operation {
	o := later.Operation{Action: v.operation, Filter: f}
	if v.operation == later.OperationReschedule {
		o.At, o.Filter.Status = at, v.fitting(f)
	}
	return o
}

// few reports whether a filter names so few jobs that they need no permission for many.
func few(f later.Filter) bool { return f.IDs != nil && len(f.IDs) <= mostTicked }

func (b *board) bulk(v *view) error {
	asked := v.request.URL.Query()
	page, err := b.gatherBulk(v, asked, countedTo)
	if err != nil {
		return err
	}
	v.Title, v.Data = page.Verb.Label+" all", page
	return nil
}

// gatherBulk reads what a form or an address asks for, for those who may, and counts the
// jobs until enough are touched.
func (b *board) gatherBulk(v *view, asked url.Values, enough int64) (*bulkPage, error) {
	verb, err := v.verbNamed(asked.Get("do"))
	if err != nil {
		return nil, err
	}
	at := v.Now
	if read, err := time.Parse(time.RFC3339Nano, asked.Get("at")); err == nil {
		at = read
	}
	page := &bulkPage{
		Verb: verb, Action: verb.Name, Query: strings.TrimSpace(asked.Get("q")), At: at.UTC().Format(time.RFC3339Nano),
		Needs: []string{permissionNames[verb.needs]}, Reason: strings.TrimSpace(asked.Get("reason")), Back: ownPage(asked.Get("back")).String(),
		When: asked.Get("when"), Name: asked.Get("name"),
	}
	if page.filter, err = query.Parse(page.Query, at.In(v.Look.location)); err == nil {
		page.filter, err = b.guarded(v, page.filter)
	}
	if err != nil {
		return nil, badRequest("The query: %v.", err)
	}
	if page.Few = few(page.filter); !page.Few {
		if err := v.need(Bulk); err != nil {
			return nil, err
		}
		page.Needs = append(page.Needs, permissionNames[Bulk])
	}
	if err := b.countBulk(v, page, enough); err != nil {
		return nil, err
	}
	switch shown := asked.Get("shown"); {
	case page.Name != "":
		page.Word = page.Name
	case page.Touched <= mostTicked && !page.More:
	case b.environment != "":
		page.Word = b.environment
	case shown != "": // the number may have changed since
		page.Word = shown
	case page.More:
		page.Word = "all"
	default:
		page.Word = strconv.FormatInt(page.Touched, 10)
	}
	return page, nil
}

// countBulk counts the jobs, for a moment, and takes a few for people to see.
func (b *board) countBulk(v *view, page *bulkPage, enough int64) error {
	counts, samples := map[later.JobStatus]int64{}, []later.Job{}
	f := page.filter
	f.Limit = int(min(countPage, enough))
	for until := time.Now().Add(countTime); ; {
		found, err := b.queue.Search(v.context(), f, later.Reach{Time: time.Until(until)})
		if err != nil {
			return err
		}
		for _, job := range found.Jobs {
			counts[job.Status]++
			page.Matches++
			if page.Verb.spared(job.Status) != "" {
				continue
			}
			if page.Touched++; len(samples) < sampledBulk {
				samples = append(samples, job)
			}
		}
		if f.Before = found.Next; f.Before == 0 {
			break
		}
		if page.Touched >= enough || page.Matches >= countedTo || time.Until(until) < countLeast {
			page.More = true
			break
		}
	}
	for _, status := range store.Statuses {
		if n := counts[status]; n > 0 {
			page.Counts = append(page.Counts, bulkCount{status, n, page.Verb.spared(status)})
		}
	}
	samples, err := b.queue.Redact(v.context(), samples...)
	for _, job := range samples {
		page.Samples = append(page.Samples, v.row(job))
	}
	return err
}

// typed reports whether the word is the one that was asked for; digits may be grouped.
func (p *bulkPage) typed(word string) bool {
	word = strings.TrimSpace(word)
	return p.Word == "" || word == strings.TrimSpace(p.Word) || strings.ReplaceAll(word, ",", "") == p.Word
}

// operate begins the operation that a form has confirmed, and leads to its page; or shows
// the form again with what is wrong.
func (b *board) operate(w http.ResponseWriter, r *http.Request) {
	v, err := b.newView(r, View, "bulk")
	if err == nil {
		err = readForm(r)
	}
	var page *bulkPage
	if err == nil {
		page, err = b.gatherBulk(v, r.PostForm, mostTicked+1)
	}
	wrong, at := "", time.Now()
	if err == nil && page.Verb.Name == "reschedule" {
		if at, err = readTime(page.When, v.Look.location); err != nil {
			wrong, err = "Nothing was changed: "+err.Error()+".", nil
		}
	}
	switch {
	case err != nil, wrong != "":
	case page.Touched == 0 && !page.More, len(page.Verb.fitting(page.filter)) == 0:
		wrong = "Nothing would be changed: none of them is in a status that this fits."
	case !page.typed(r.PostForm.Get("word")):
		wrong = "Nothing was changed: the word is not the one that is asked for."
	}
	if wrong != "" {
		r.PostForm.Del("shown") // they are counted anew
		page, err = b.gatherBulk(v, r.PostForm, countedTo)
	}
	if err != nil {
		b.fail(w, r, err)
		return
	}
	if page.Wrong = wrong; wrong != "" {
		v.Title, v.Data = page.Verb.Label+" all", page
		b.render(w, r, http.StatusUnprocessableEntity, v)
		return
	}
	o := page.Verb.of(page.filter, at)
	if o.Reason = page.Reason; page.Verb.Name == "cancel" {
		o.Reason = byWhom(v.User, page.Reason) // it is the error of the jobs
	}
	o, err = b.queue.Operate(later.By(r.Context(), v.User.Name, later.FromDashboard), o)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.changed()
	goTo(w, r, "ops/"+strconv.FormatInt(o.ID, 10))
}
