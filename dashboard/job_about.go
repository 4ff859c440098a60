package dashboard

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
)

// copyAs is a job in the words of something else. The address of the page is empty: the
// handler does not know where it is mounted, the script does.
type copyAs struct{ Name, Text string }

// mostCopied bounds the documents of a job that is copied whole, in bytes: those of larger
// ones are files.
const mostCopied = 16 << 10

// copies are ways to name a job elsewhere. Its arguments are in them only for those who
// may see them.
func (v *view) copies(job later.Job) []copyAs {
	id := strconv.FormatInt(job.ID, 10)
	list := []copyAs{{"address", ""}, {"id", id}, {"command", "later show " + id}, {"Go", "queue.Get(ctx, " + id + ")"}}
	if v.User.Can(ViewArgs) && len(job.Args)+len(job.Result)+len(job.Metadata) <= mostCopied {
		list = append(list,
			copyAs{"Go, to enqueue it again", fmt.Sprintf("queue.Enqueue(ctx, %q, json.RawMessage(%s))", job.Type, goString(string(job.Args)))},
			copyAs{"command, to enqueue it again", "later enqueue " + shellWord(job.Type) + " --args " + shellWord(string(job.Args))})
		if text, err := json.Marshal(job); err == nil {
			list = append(list, copyAs{"JSON", string(text)})
		}
	}
	return list
}

// goString prefers the quotes that need no escapes.
func goString(text string) string {
	if strconv.CanBackquote(text) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

// shellWord is text as one word of a shell.
func shellWord(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// neighbours are the jobs before and after one in the list that it was opened from: the
// one that the address names, else those of its type.
func (b *board) neighbours(v *view, job later.Job) (newer, older string, err error) {
	text := v.request.URL.Query().Get("q")
	filter, bad := query.Parse(text, v.Now.In(v.Look.location))
	if bad == nil {
		filter, bad = b.guarded(v, filter)
	}
	if text == "" || bad != nil {
		filter, text = later.Filter{Type: job.Type}, ""
	}
	link := func(other later.Job) string {
		return strconv.FormatInt(other.ID, 10) + listedBy(text)
	}
	filter.Before, filter.Limit = job.ID, 1
	next, err := b.queue.Search(v.context(), filter, besides)
	if err != nil {
		return "", "", err
	}
	if len(next.Jobs) > 0 {
		older = link(next.Jobs[0])
	}
	filter.Before, filter.Limit = 0, pageSize // further back only the list itself knows
	first, err := b.queue.Search(v.context(), filter, besides)
	if i := slices.IndexFunc(first.Jobs, func(j later.Job) bool { return j.ID == job.ID }); i > 0 {
		newer = link(first.Jobs[i-1])
	}
	return newer, older, err
}

// besides is how far a page looks for jobs that it shows beside what it is about.
var besides = later.Reach{Jobs: 20_000, Time: 25 * time.Millisecond}

// levels are those of a log, from the least.
var levels = []string{"DEBUG", "INFO", "WARN", "ERROR"}

// leveled keeps the lines of a level and of those above.
func leveled(lines []later.LogLine, least string) []later.LogLine {
	from := slices.Index(levels, least)
	if from < 0 {
		return lines
	}
	return slices.DeleteFunc(lines, func(l later.LogLine) bool {
		at := slices.IndexFunc(levels, func(level string) bool { return strings.HasPrefix(l.Level, level) }) // slog writes INFO+2
		return at >= 0 && at < from
	})
}
