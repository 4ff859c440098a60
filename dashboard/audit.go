package dashboard

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/laterjobs/later"
)

// auditPage is who has changed what.
type auditPage struct {
	Entries []later.AuditEntry `json:"entries"`
	Filter  later.AuditFilter  `json:"-"`
	Kinds   []string           `json:"-"`
	Older   string             `json:"older,omitempty"` // the rest of the list, or nothing
	Newest  string             `json:"newest,omitempty"`
}

// auditShown is how many entries a page has.
const auditShown = 50

// auditKinds are what can have been changed.
var auditKinds = []string{"job", "jobs", "operation", "queue", "schedule"}

func (b *board) audit(v *view) error {
	v.Title = "Audit"
	asked := v.request.URL.Query()
	f := later.AuditFilter{
		Person: asked.Get("person"), Action: asked.Get("action"), Kind: asked.Get("kind"), Target: asked.Get("target"), Limit: auditShown + 1,
	}
	if text := asked.Get("before"); text != "" {
		before, err := strconv.ParseInt(text, 10, 64)
		if err != nil || before < 1 {
			return badRequest("%q is no id of an entry.", text)
		}
		f.Before = before
	}
	entries, err := b.queue.Audit(v.context(), f)
	if err != nil {
		return err
	}
	page := auditPage{Filter: f, Kinds: auditKinds, Entries: entries[:min(len(entries), auditShown)]}
	if len(entries) > auditShown {
		page.Older = auditLink(f, entries[auditShown-1].ID)
	}
	if f.Before != 0 {
		page.Newest = auditLink(f, 0)
	}
	v.Data = &page
	return nil
}

// auditLink is another part of the same list.
func auditLink(f later.AuditFilter, before int64) string {
	values := url.Values{}
	for name, value := range map[string]string{"person": f.Person, "action": f.Action, "kind": f.Kind, "target": f.Target} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if before != 0 {
		values.Set("before", strconv.FormatInt(before, 10))
	}
	return "?" + values.Encode()
}

// auditOfJob is who has changed one job, for those who may know.
func (b *board) auditOfJob(v *view, id int64) ([]later.AuditEntry, error) {
	if !v.User.Can(Audit) {
		return nil, nil
	}
	return b.queue.Audit(v.context(), later.AuditFilter{Job: id, Limit: 20})
}

// Said is what an entry notes of how something was: times in the zone of the reader, and
// rules of schedules in words.
func (v *view) Said(e later.AuditEntry, text string) string {
	if e.Kind != "schedule" {
		return v.Moment(text)
	}
	rule, rest, _ := strings.Cut(text, ", ")
	words, zone := strings.Fields(rule), ""
	if last := words[max(0, len(words)-1):]; len(words) > 1 && len(last) == 1 && (last[0] == "UTC" || last[0][0] >= 'A' && strings.Contains(last[0], "/")) {
		rule, zone = strings.Join(words[:len(words)-1], " "), last[0]
	}
	said := inWords(rule, zone)
	if said == "" {
		return v.Moment(text)
	}
	if rest != "" {
		said += ", " + rest
	}
	return said
}

// Changed is the page of what an entry is about, from the first page on; nothing, if
// there is none.
func (v *view) Changed(e later.AuditEntry) string {
	switch e.Kind {
	case "job":
		return "jobs/" + url.PathEscape(e.Target)
	case "jobs":
		if e.Target == "" || e.Target[len(e.Target)-1] == '}' { // what a query has no words for
			return ""
		}
		return "jobs/?q=" + escape(e.Target)
	case "queue":
		return pageOf("queues", e.Target)
	case "schedule":
		return pageOf("schedules", e.Target)
	case "operation":
		return "ops/" + url.PathEscape(e.Target)
	}
	return ""
}
