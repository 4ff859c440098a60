package dashboard

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
)

// causesShown bounds the page of errors; causesRead how many it looks at to find them.
const (
	causesShown = 100
	causesRead  = 1000
)

// causesPage is what jobs fail of: one row for each cause.
type causesPage struct {
	Text  string     `json:"query"` // what is looked for
	Tabs  []tab      `json:"-"`
	Rows  []causeRow `json:"errors"`
	More  bool       `json:"more"` // there are others that fit
	Which string     `json:"show"`
}

// causeRow is a cause with a picture of its last day.
type causeRow struct {
	later.Cause
	Spark   spark `json:"-"`
	IsMuted bool  `json:"muted"`
	CountTo int   `json:"counted_to"` // how far its jobs were counted
}

// Count is a number of its jobs, which may have been counted so far only.
func (c causeRow) Count(n int64) string {
	most := int64(c.CountTo)
	return atLeast(min(n, most), n >= most)
}

// causeTabs are which causes the page shows.
var causeTabs = []struct{ name, label string }{{"", "Open"}, {"all", "All"}, {"muted", "Muted"}}

func (b *board) causes(v *view) error {
	v.Title = "Errors"
	values := v.request.URL.Query()
	page := causesPage{Text: strings.TrimSpace(values.Get("q")), Which: values.Get("show")}
	f := later.CauseFilter{Limit: causesShown + 1, CountTo: 1}
	if page.Text != "" {
		f.Limit = causesRead
	}
	f.Failed, f.Unmuted, f.Muted = page.Which == "", page.Which == "", page.Which == "muted"
	found, err := b.queue.Causes(v.context(), f)
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(c later.Cause) bool { return !mentions(&c, page.Text) })
	if len(found) > causesShown {
		found, page.More = found[:causesShown], true
	}
	if page.Rows, err = b.causeRows(v, found); err != nil {
		return err
	}
	for _, t := range causeTabs {
		page.Tabs = append(page.Tabs, tab{
			Label: t.label, Link: "?" + url.Values{"show": {t.name}, "q": {page.Text}}.Encode(), Current: t.name == page.Which,
		})
	}
	v.Data = &page
	return nil
}

// mentions reports whether the text is somewhere in what is known of a cause.
func mentions(c *later.Cause, text string) bool {
	text = strings.ToLower(text)
	for _, part := range []string{c.Title, c.Type, c.ErrorType, c.ID.String()} {
		if strings.Contains(strings.ToLower(part), text) {
			return true
		}
	}
	return false
}

// causeRows reads the jobs and the last day of causes.
func (b *board) causeRows(v *view, found []later.Cause) (rows []causeRow, err error) {
	if len(found) == 0 {
		return nil, nil
	}
	ids := make([]later.CauseID, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	most := max(countedTo/len(ids), 1000) // all together must not take long
	full, err := b.queue.Causes(v.context(), later.CauseFilter{IDs: ids, CountsFrom: v.Now.Add(-sparkBack), CountTo: most, Limit: len(ids)})
	for _, c := range full {
		rows = append(rows, causeRow{c, v.spark(&c), c.Muted(v.Now), most})
	}
	return rows, err
}

// OpenErrors is how many causes that are not muted have failed jobs, for the navigation.
func (v *view) OpenErrors() string {
	const most = 99
	if v.Problem != nil {
		return "" // it may be that the store cannot be reached
	}
	found, err := v.board.queue.Causes(v.context(), later.CauseFilter{Failed: true, Unmuted: true, CountTo: 1, Limit: most + 1})
	switch {
	case err != nil || len(found) == 0:
		return ""
	case len(found) > most:
		return strconv.Itoa(most) + "+"
	}
	return strconv.Itoa(len(found))
}

// countedTo is how far jobs are counted.
const countedTo = 10_000

// sparkBack is how far a picture goes back, sparkStep what a bar of it stands for.
const (
	sparkBack = 24 * time.Hour
	sparkStep = 30 * time.Minute
)

// spark is a small picture of a day, with the same in words.
type spark struct {
	Bars []bar
	Text string
}

const sparkHeight = 20

func (v *view) spark(c *later.Cause) (s spark) {
	first := v.Now.Add(-sparkBack).Truncate(sparkStep).Add(sparkStep)
	counts := make([]int64, int(sparkBack/sparkStep))
	sum, most, at := int64(0), int64(0), 0
	for _, n := range c.Counts {
		i := int(n.At.Sub(first) / sparkStep)
		if n.At.Before(first) || i >= len(counts) {
			continue
		}
		counts[i] += n.Failures
		sum += n.Failures
		if counts[i] > most {
			most, at = counts[i], i
		}
	}
	if sum == 0 {
		s.Text = "No failure in 24 hours"
		return s
	}
	s.Text = fmt.Sprintf("%s in 24 hours, most from %s: %s", plural(sum, "failure", "failures"),
		first.Add(time.Duration(at)*sparkStep).In(v.Look.location).Format("15:04"), number(most))
	for i, n := range counts {
		if n > 0 {
			height := max(2, float64(n)/float64(most)*sparkHeight)
			s.Bars = append(s.Bars, bar{X: float64(2 * i), Y: round(sparkHeight - height), W: 1.5, H: round(height), Class: "failed"})
		}
	}
	return s
}
