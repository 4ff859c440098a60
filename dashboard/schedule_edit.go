package dashboard

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/laterjobs/later"
)

// editPage is the form for the rule and the arguments of a schedule.
type editPage struct {
	Schedule scheduleRow `json:"schedule"`
	Rule     string      `json:"rule"`
	Zone     string      `json:"zone"`
	Zones    []string    `json:"-"`
	Args     string      `json:"-"`
	Fixed    string      `json:"-"` // why the arguments cannot be changed here; empty: they can
	Problem  string      `json:"-"`

	before string // the arguments as they were shown
}

// scheduleForm finds the schedule, for those who may change it.
func (b *board) scheduleForm(v *view) (*editPage, error) {
	if err := v.need(Enqueue); err != nil {
		return nil, err
	}
	name := v.request.PathValue("name")
	schedules, err := b.queue.Schedules(v.context())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(schedules, func(s later.Schedule) bool { return s.Name == name })
	if i < 0 {
		return nil, notFound("There is no schedule %q.", name)
	}
	s := schedules[i]
	shown, err := b.queue.Redact(v.context(), later.Job{Type: s.Type, Args: s.Args})
	if err != nil {
		return nil, err
	}
	page := &editPage{Rule: ruleText(s.Rule), Zone: s.Zone, Zones: commonZones}
	switch {
	case !v.User.Can(ViewArgs):
		page.Fixed = "You may not see them: they stay as they are."
	case string(shown[0].Args) != string(s.Args):
		page.Fixed = "Some of them may not be shown: they stay as they are."
	default:
		page.before = render(s.Args).Text
		page.Args = page.before
	}
	s.Args = nil
	page.Schedule = scheduleRow{Schedule: s, Words: inWords(s.Rule, s.Zone)}
	v.Title, v.Data = "Edit "+name, page
	return page, nil
}

func (b *board) editSchedule(v *view) error {
	_, err := b.scheduleForm(v)
	return err
}

// saveSchedule keeps what the form says, or shows it again with what is wrong.
func (b *board) saveSchedule(w http.ResponseWriter, r *http.Request) {
	v, err := b.newView(r, View, "edit")
	var page *editPage
	if err == nil {
		page, err = b.scheduleForm(v)
	}
	if err == nil {
		err = readForm(r)
	}
	if err != nil {
		b.fail(w, r, err)
		return
	}
	page.Rule, page.Zone = strings.TrimSpace(r.PostForm.Get("rule")), strings.TrimSpace(r.PostForm.Get("zone"))
	var args json.RawMessage
	if page.Fixed == "" {
		page.Args = strings.ReplaceAll(r.PostForm.Get("args"), "\r\n", "\n")
		if strings.TrimSpace(page.Args) != page.before {
			args = json.RawMessage(strings.TrimSpace(page.Args))
		}
	}
	name := r.PathValue("name")
	err = b.queue.EditSchedule(later.By(r.Context(), v.User.Name, later.FromDashboard), name, later.Cron(page.Rule, page.Zone), args)
	if err != nil {
		page.Problem = sentence(err.Error())
		b.render(w, r, http.StatusUnprocessableEntity, v)
		return
	}
	b.changed()
	r.PostForm.Set("back", pageOf("schedules", name))
	redirect(w, r, "Schedule "+name+" is changed.")
}
