package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

var getChecks = []check{
	{"an unknown job is not found", getUnknown},
	{"get and list show the same job", getLikeList},
}

func getUnknown(t *trial) {
	t.enqueue(plain())
	for _, id := range []int64{-1, 0, 1 << 40, 1<<63 - 1} {
		t.unknown(id)
	}
}

func getLikeList(t *trial) {
	for _, id := range t.oneOfEach() {
		jobs, err := t.store.List(t.Context(), one(id))
		t.must("List", err)
		t.equal("number of jobs", len(jobs), 1)
		got := t.get(id)
		got.Token, jobs[0].Token = 0, 0
		t.equal("job", jobs[0], got)
	}
}

var listChecks = []check{
	{"newest first", listNewestFirst},
	{"one hundred by default", listDefaultLimit},
	{"at most ten thousand", listMaximum},
	{"pages cover each job once", listPages},
	{"by ids", listByIDs},
	{"by status", listByStatus},
	{"by type, queue, user and target", listByNames},
	{"by tag", listByTag},
	{"by text", listByText},
	{"text is literal", listByLiteralText},
	{"by the time of enqueueing", listByQueuedAt},
	{"by the time of the end", listByFinishedAt},
	{"all fields together", listByAll},
	{"no jobs", listNothing},
}

func listNewestFirst(t *trial) {
	ids := t.enqueue(withPriority(9), dueIn(time.Hour), inQueue("a"), plain())
	t.equal("jobs", t.list(store.Filter{}), reversed(ids))
	t.equal("jobs", t.list(store.Filter{Limit: 2}), reversed(ids[2:]))
}

func listDefaultLimit(t *trial) {
	ids := t.enqueue(many(120, plain())...)
	t.equal("jobs", t.list(store.Filter{}), reversed(ids[20:]))
	t.equal("jobs", t.list(store.Filter{Limit: 150}), reversed(ids))
}

// listMaximum: a store may shorten a longer list or refuse it.
func listMaximum(t *trial) {
	t.enqueue(many(10_001, plain())...)
	t.equal("number of jobs", len(t.list(store.Filter{Limit: 10_000})), 10_000)
	jobs, err := t.store.List(t.Context(), store.Filter{Limit: 1 << 30})
	if err == nil && len(jobs) > 10_000 {
		t.Fatalf("List returned %d jobs", len(jobs))
	}
}

func listPages(t *trial) {
	t.oneOfEach()
	ids := t.enqueue(many(11, plain())...)
	all := t.list(store.Filter{Limit: 1000})
	for limit := 1; limit <= len(all)+1; limit++ {
		t.equal("jobs of all pages", t.pages(store.Filter{Limit: limit}), all)
	}
	pending := store.Filter{Status: []store.JobStatus{store.Pending}, Limit: 2}
	t.equal("pending jobs of all pages", t.pages(pending)[:len(ids)], reversed(ids))
}

// pages reads a list to its end, page by page.
func (t *trial) pages(f store.Filter) []int64 {
	t.Helper()
	var all []int64
	for range 1000 {
		page := t.list(f)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		f.Before = page[len(page)-1]
	}
	t.Fatal("the pages of List do not end")
	return all
}

func listByIDs(t *trial) {
	ids := t.enqueue(many(5, plain())...)
	t.equal("jobs", t.list(store.Filter{IDs: []int64{ids[1], 404, ids[3], ids[1], -1}}), pick(ids, 3, 1))
	t.equal("jobs", t.list(store.Filter{IDs: ids, Before: ids[2]}), pick(ids, 1, 0))
}

func listByStatus(t *trial) {
	ids := t.oneOfEach()
	for status, id := range ids {
		t.equal(string(status)+" jobs", t.list(store.Filter{Status: []store.JobStatus{status}}), []int64{id})
	}
	both := []store.JobStatus{store.Running, store.Failed, store.Blocked}
	want := []int64{ids[store.Failed], ids[store.Running]}
	t.equal("running and failed jobs", t.list(store.Filter{Status: both}), want)
	t.equal("blocked jobs", t.list(store.Filter{Status: []store.JobStatus{store.Blocked}}), []int64{})
	t.equal("jobs of all statuses", len(t.list(store.Filter{Status: store.Statuses})), len(ids))
}

func listByNames(t *trial) {
	job := plain()
	job.Type, job.Queue, job.UserID, job.TargetID = "Report", "slow", "ada", "order/9"
	other := plain()
	other.UserID, other.TargetID = "adab", "order/99"
	id := t.enqueue(plain(), job, other)[1]
	for _, f := range []store.Filter{{Type: "Report"}, {Queue: "slow"}, {User: "ada"}, {Target: "order/9"}} {
		t.equal("jobs", t.list(f), []int64{id})
	}
	for _, f := range []store.Filter{{Type: "Repor"}, {Queue: "slo"}, {User: "ad"}, {Target: "order"}, {Type: "slow"}} {
		t.equal("jobs", t.list(f), []int64{})
	}
}

func listByTag(t *trial) {
	tagged := func(tags ...string) store.NewJob {
		job := plain()
		job.Tags = tags
		return job
	}
	ids := t.enqueue(tagged("eu", "monthly"), tagged("eur"), plain(), tagged("x", "eu"), tagged(`a,b "c"`, "it's"))
	t.equal("jobs", t.list(store.Filter{Tag: "eu"}), pick(ids, 3, 0))
	t.equal("jobs", t.list(store.Filter{Tag: `a,b "c"`}), pick(ids, 4))
	t.equal("jobs", t.list(store.Filter{Tag: "it's"}), pick(ids, 4))
	t.equal("jobs", t.list(store.Filter{Tag: "a"}), []int64{})
	t.equal("jobs", t.list(store.Filter{Tag: `,`}), []int64{})
}

func listByText(t *trial) {
	ids := t.enqueue(withArgs(`{"to":"Ada@Example.com"}`), withArgs(`{"to":"bob@example.com"}`), withArgs(`{"to":"carl@host"}`))
	t.equal("jobs", t.list(store.Filter{Text: "EXAMPLE"}), pick(ids, 1, 0))
	t.equal("jobs", t.list(store.Filter{Text: "ada@e"}), pick(ids, 0))
	failed := t.jobIn(store.Failed, inQueue("a"))
	retrying := t.jobIn(store.Retrying, inQueue("b"))
	t.equal("jobs", t.list(store.Filter{Text: "BROKEN"}), []int64{failed})
	t.equal("jobs", t.list(store.Filter{Text: "Not Now"}), []int64{retrying})
	t.equal("jobs", t.list(store.Filter{Text: "default"}), []int64{})
}

func listByLiteralText(t *trial) {
	texts := []string{`100%`, `a_b`, `it's`, `\\path`, `*?[x]`, `1000`, `axb`, `--; DROP`, `grün 🚀`}
	jobs := make([]store.NewJob, len(texts))
	for i, text := range texts {
		jobs[i] = withArgs(`{"text":"` + text + `"}`)
	}
	ids := t.enqueue(jobs...)
	for i, text := range texts {
		t.equal("jobs with "+text, t.list(store.Filter{Text: text}), pick(ids, i))
	}
	t.equal("jobs", t.list(store.Filter{Text: `%`}), pick(ids, 0))
	t.equal("jobs", t.list(store.Filter{Text: `_`}), pick(ids, 1))
	t.equal("jobs", t.list(store.Filter{Text: `a%b`}), []int64{})
	t.equal("jobs", t.list(store.Filter{Text: `:"a`}), pick(ids, 6, 1))
}

func listByQueuedAt(t *trial) {
	var ids []int64
	for hour := range 5 {
		ids = append(ids, t.enqueueAt(at(time.Duration(hour)*time.Hour), plain())...)
	}
	t.equal("jobs", t.list(store.Filter{QueuedAfter: at(3 * time.Hour)}), pick(ids, 4, 3))
	t.equal("jobs", t.list(store.Filter{QueuedBefore: at(time.Hour)}), pick(ids, 0))
	t.equal("jobs", t.list(store.Filter{QueuedAfter: at(time.Hour), QueuedBefore: at(3 * time.Hour)}), pick(ids, 2, 1))
	t.equal("jobs", t.list(store.Filter{QueuedAfter: at(time.Microsecond), QueuedBefore: at(time.Hour + time.Microsecond)}), pick(ids, 1))
}

func listByFinishedAt(t *trial) {
	ids := []int64{}
	for hour := range 3 {
		job := t.running(plain())
		done := outcome(job, store.Complete)
		done.FinishedAt = at(time.Duration(hour+1) * time.Hour)
		t.accept(done)
		ids = append(ids, job.ID)
	}
	t.enqueue(plain())
	t.jobIn(store.Scheduled, plain())
	t.equal("jobs", t.list(store.Filter{FinishedAfter: at(2 * time.Hour)}), pick(ids, 2, 1))
	t.equal("jobs", t.list(store.Filter{FinishedBefore: at(2 * time.Hour)}), pick(ids, 0))
	t.equal("jobs", t.list(store.Filter{FinishedAfter: at(2 * time.Hour), FinishedBefore: at(3 * time.Hour)}), pick(ids, 1))
}

// listByAll changes one field at a time of a filter that matches, so that each
// field has to count together with all others.
func listByAll(t *trial) {
	job := store.NewJob{Type: "Mail", Queue: "q", Args: []byte(`{"a":"b"}`), UserID: "u", TargetID: "t", Tags: []string{"x"}}
	id := t.jobIn(store.Completed, job)
	all := store.Filter{
		IDs: []int64{id}, Status: []store.JobStatus{store.Completed}, Type: "Mail", Queue: "q", User: "u", Target: "t",
		Tag: "x", Text: "A", QueuedAfter: enqueuedAt, QueuedBefore: claimedAt,
		FinishedAfter: finishedAt, FinishedBefore: dueAt, Before: id + 1, Limit: 5,
	}
	t.equal("jobs", t.list(all), []int64{id})
	for name, change := range map[string]func(*store.Filter){
		"IDs":            func(f *store.Filter) { f.IDs = []int64{id + 1} },
		"Status":         func(f *store.Filter) { f.Status = []store.JobStatus{store.Failed} },
		"Type":           func(f *store.Filter) { f.Type = "mail" },
		"Queue":          func(f *store.Filter) { f.Queue = "p" },
		"User":           func(f *store.Filter) { f.User = "v" },
		"Target":         func(f *store.Filter) { f.Target = "s" },
		"Tag":            func(f *store.Filter) { f.Tag = "y" },
		"Text":           func(f *store.Filter) { f.Text = "C" },
		"QueuedAfter":    func(f *store.Filter) { f.QueuedAfter = enqueuedAt.Add(time.Microsecond) },
		"QueuedBefore":   func(f *store.Filter) { f.QueuedBefore = enqueuedAt },
		"FinishedAfter":  func(f *store.Filter) { f.FinishedAfter = finishedAt.Add(time.Microsecond) },
		"FinishedBefore": func(f *store.Filter) { f.FinishedBefore = finishedAt },
		"Before":         func(f *store.Filter) { f.Before = id },
	} {
		f := all
		f.IDs, f.Status = slices.Clone(all.IDs), slices.Clone(all.Status)
		change(&f)
		t.equal("jobs with another "+name, t.list(f), []int64{})
	}
}

func listNothing(t *trial) {
	t.equal("jobs", t.list(store.Filter{}), []int64{})
	t.equal("jobs", t.list(store.Filter{Queue: "a", Limit: 5}), []int64{})
}

// closed insists that a verb was refused because the store is closed.
func (t *trial) closed(verb string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrClosed) {
		t.Errorf("%s of a closed store: %v, expected ErrClosed", verb, err)
	}
}
