package dashboard

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// startOf is where a list starts: below an id, at a time, or with the newest job.
func (b *board) startOf(v *view, page *jobsPage) (before int64, err error) {
	values := v.request.URL.Query()
	page.At = values.Get("at")
	switch text := values.Get("before"); {
	case text != "":
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before < 1 {
			return 0, badRequest("%q is no id to go on from.", text)
		}
	case page.At != "":
		at, err := readMinute(page.At, v.Look.location)
		if err != nil {
			return 0, badRequest("%q is no time: write it as 2006-01-02T15:04.", page.At)
		}
		if before, err = b.queuedBy(v.context(), at); err != nil {
			return 0, err
		}
	}
	if before != 0 {
		page.Newest = "?" + url.Values{"q": {page.Query}}.Encode()
	}
	page.Newer = newerThan(values)
	return before, nil
}

const (
	trailMost = 50  // how many pages back a list leads, one by one
	firstPage = "0" // the page that begins with the newest job, in a trail
)

// after is the address of the jobs below an id. It says which pages have led there, so that
// they can be gone back to: a list can be walked one way only.
func (p *jobsPage) after(here url.Values, before int64) string {
	next := url.Values{"q": {p.Query}, "before": {strconv.FormatInt(before, 10)}}
	trail := []string{cmp.Or(here.Get("before"), firstPage)}
	if at := here.Get("at"); at != "" {
		trail[0] = "@" + at
	}
	if so := here.Get("from"); so != "" {
		trail = append(strings.Split(so, ","), trail...)
	}
	next.Set("from", strings.Join(trail[max(0, len(trail)-trailMost):], ","))
	return "?" + next.Encode()
}

// newerThan is the address of the page that led to the one of these values; empty: none
// did.
func newerThan(here url.Values) string {
	trail := strings.Split(here.Get("from"), ",")
	last := trail[len(trail)-1]
	if last == "" {
		return ""
	}
	back := url.Values{"q": {here.Get("q")}}
	if len(trail) > 1 {
		back.Set("from", strings.Join(trail[:len(trail)-1], ","))
	}
	if at, isTime := strings.CutPrefix(last, "@"); isTime {
		back.Set("at", at)
	} else if last != firstPage {
		back.Set("before", last)
	}
	return "?" + back.Encode()
}

// howFar says of a search that has ended early at how many jobs it would have to look, and
// from when it goes on.
func (b *board) howFar(v *view, page *jobsPage, f later.Filter, next int64) (err error) {
	if page.About, err = b.about(v, f); err != nil {
		return err
	}
	older, err := b.queue.List(v.context(), later.Filter{Before: next, Limit: 1})
	if err == nil && len(older) > 0 {
		page.ContinueAt = v.Time(older[0].QueuedAt)
	}
	return err
}

// readMinute reads what a field for a date and a time sends: the whole minute is meant.
func readMinute(text string, zone *time.Location) (time.Time, error) {
	if at, err := time.ParseInLocation("2006-01-02T15:04", text, zone); err == nil {
		return at.Add(time.Minute), nil
	}
	return time.ParseInLocation("2006-01-02T15:04:05", text, zone)
}

// queuedBy is the lowest id of the jobs that were queued at a time or later, as far as ids
// rise with time; 0: there is none. It halves the ids, and reads a job for each step.
func (b *board) queuedBy(ctx context.Context, at time.Time) (int64, error) {
	newest, err := b.queue.List(ctx, later.Filter{Limit: 1})
	if err != nil || len(newest) == 0 || newest[0].QueuedAt.Before(at) {
		return 0, err
	}
	low, high := int64(0), newest[0].ID // queued before at, and not
	for low+1 < high {
		middle := low + (high-low)/2
		found, err := b.queue.List(ctx, later.Filter{Before: middle + 1, Limit: 1})
		switch {
		case err != nil:
			return 0, err
		case len(found) == 0 || found[0].ID <= low || found[0].QueuedAt.Before(at):
			low = middle
		default:
			high = found[0].ID
		}
	}
	return high, nil
}

// about is at how many jobs a search would look if it went on to the end; 0: only an
// index knows.
func (b *board) about(v *view, f later.Filter) (n int64, err error) {
	indexed := func(c store.Condition) bool {
		return slices.Contains([]store.Field{store.FieldType, store.FieldUser, store.FieldTarget, store.FieldID}, c.Field)
	}
	if f.IDs != nil || f.Type+f.User+f.Target != "" || f.Cause != 0 || f.Operation != 0 || f.Before != 0 || slices.ContainsFunc(f.Match, indexed) {
		return 0, nil
	}
	stats, err := b.stats(v, problemsKept)
	for status, jobs := range stats.Counts {
		if len(f.Status) == 0 || slices.Contains(f.Status, status) {
			n += jobs
		}
	}
	return roughly(n), err
}

// roughly is a number to two digits: how many there are changes while one looks.
func roughly(n int64) int64 {
	step := int64(1)
	for n/step >= 100 {
		step *= 10
	}
	return (n + step/2) / step * step
}
