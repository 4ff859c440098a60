package dashboard

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/store"
)

// enqueuePage is the form for a new job.
type enqueuePage struct {
	Type    string          `json:"type,omitempty"`
	Types   []store.JobType `json:"types"` // to choose from
	About   string          `json:"-"`
	Default store.JobType   `json:"-"`
	Fields  []*field        `json:"-"` // nil: the arguments are written as JSON
	Raw     bool            `json:"-"` // as JSON
	Args    string          `json:"-"` // that JSON
	CanPick bool            `json:"-"` // fields and JSON can take turns
	From    int64           `json:"-"` // the job that this is a copy of
	Hidden  bool            `json:"-"` // some of its arguments may not be seen, and are missing here
	Problem string          `json:"-"` // of the whole
	Options enqueueOptions  `json:"-"`
}

// enqueueOptions are as typed.
type enqueueOptions struct{ Queue, Priority, At, User, Target, Tags string }

// newJob shows the form: empty, or as a copy of a job.
func (b *board) newJob(v *view) error {
	if err := v.need(Enqueue); err != nil {
		return err
	}
	values := v.request.URL.Query()
	page := &enqueuePage{Type: values.Get("type"), Raw: values.Get("mode") == "raw"}
	args := json.RawMessage("{}")
	if from := values.Get("from"); from != "" {
		if err := v.need(ViewArgs); err != nil {
			return err
		}
		id, err := strconv.ParseInt(from, 10, 64)
		if err != nil || id < 1 {
			return badRequest("%q is no id of a job.", from)
		}
		if args, err = b.copyOf(v, page, id); err != nil {
			return err
		}
	}
	if err := b.offer(v, page); err != nil {
		return err
	}
	page.Args = indented(args)
	if page.Fields != nil && !fill(page.Fields, args) {
		page.Raw = true // the fields cannot hold what is there
	}
	v.Data = page
	return nil
}

// copyOf takes over everything of a job but its time.
func (b *board) copyOf(v *view, page *enqueuePage, id int64) (json.RawMessage, error) {
	stored, err := b.queue.Get(v.context(), id)
	if err != nil {
		return nil, err
	}
	visible, err := b.queue.Redact(v.context(), stored)
	if err != nil {
		return nil, err
	}
	job := visible[0]
	page.From, page.Type, page.Hidden = id, job.Type, string(job.Args) != string(stored.Args)
	page.Options = enqueueOptions{
		Queue: job.Queue, Priority: strconv.Itoa(job.Priority), User: job.UserID, Target: job.TargetID, Tags: strings.Join(job.Tags, ", "),
	}
	return job.Args, nil
}

// offer finds the types, and the fields of the one that is chosen.
func (b *board) offer(v *view, page *enqueuePage) (err error) {
	v.Title = "Enqueue a job"
	if page.Types, err = b.queue.KnownTypes(v.context()); err != nil || page.Type == "" {
		return err
	}
	i := slices.IndexFunc(page.Types, func(t store.JobType) bool { return t.Name == page.Type })
	if i < 0 && page.From > 0 {
		page.Raw, page.Problem = true, "No process has published the type "+page.Type+": nothing can be enqueued until one has."
		return nil
	}
	if i < 0 {
		return notFound("No process has published a type %q.", page.Type)
	}
	page.Default, page.About = page.Types[i], page.Types[i].Description
	page.Fields = fieldsOf(page.Types[i].Schema)
	page.CanPick = len(page.Fields) > 0
	page.Raw = page.Raw || !page.CanPick
	return nil
}

// enqueue stores the job that the form describes, or shows the form again with what is
// wrong, where it is wrong, and nothing lost.
func (b *board) enqueue(w http.ResponseWriter, r *http.Request) {
	v, err := b.newView(r, View, "enqueue")
	if err == nil {
		err = v.need(Enqueue)
	}
	if err == nil {
		err = readForm(r)
	}
	if err != nil {
		b.fail(w, r, err)
		return
	}
	form := r.PostForm
	page := &enqueuePage{Type: form.Get("type"), Raw: form.Get("mode") == "raw", Args: form.Get("args"), Options: enqueueOptions{
		form.Get("queue"), form.Get("priority"), form.Get("at"), form.Get("user"), form.Get("target"), form.Get("tags"),
	}}
	if err := b.offer(v, page); err != nil {
		b.fail(w, r, err)
		return
	}
	v.Data = page
	args := page.typed(r)
	if show := form.Get("show"); show != "" && page.CanPick {
		page.turn(show, args)
		b.render(w, r, http.StatusOK, v)
		return
	}
	if job, stored := b.store(v, page, args); stored {
		r.PostForm.Set("back", "jobs/"+strconv.FormatInt(job.ID, 10))
		redirect(w, r, "Job "+strconv.FormatInt(job.ID, 10)+" is enqueued.")
		return
	}
	b.render(w, r, http.StatusUnprocessableEntity, v)
}

// typed is the arguments as the form has them.
func (p *enqueuePage) typed(r *http.Request) json.RawMessage {
	if p.Raw {
		return json.RawMessage(strings.TrimSpace(p.Args))
	}
	for _, f := range p.Fields {
		f.Value = strings.ReplaceAll(r.PostForm.Get("arg"+f.Path), "\r\n", "\n") // as it was before the browser sent it
	}
	return assemble(p.Fields)
}

// turn shows the arguments the other way: as fields, or as JSON.
func (p *enqueuePage) turn(to string, args json.RawMessage) {
	if to == "raw" {
		p.Raw, p.Args = true, indented(args)
		return
	}
	if !fill(p.Fields, args) {
		p.Problem = "The fields cannot hold all of this JSON."
		return
	}
	p.Raw = false
}

// misread reports whether a field holds what cannot be its value: it says so itself.
func (p *enqueuePage) misread() bool {
	return !p.Raw && slices.ContainsFunc(p.Fields, func(f *field) bool { return f.Problem != "" })
}

// store enqueues, or says in the page why not.
func (b *board) store(v *view, page *enqueuePage, args json.RawMessage) (later.Job, bool) {
	if page.misread() {
		return later.Job{}, false
	}
	options, err := page.Options.calls(v.Look.location)
	if err != nil {
		page.Problem = sentence(err.Error())
		return later.Job{}, false
	}
	job, err := b.queue.Enqueue(later.By(v.context(), v.User.Name, later.FromDashboard), page.Type, args, options...)
	if err != nil {
		page.explain(err)
		return job, false
	}
	b.log.InfoContext(v.context(), "somebody enqueued a job in the dashboard", "user", v.User.Name, "type", page.Type, "job", job.ID)
	return job, true
}

func (o enqueueOptions) calls(zone *time.Location) (calls []later.CallOption, err error) {
	if o.Queue != "" {
		calls = append(calls, later.Queue(o.Queue))
	}
	if text := strings.TrimSpace(o.Priority); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, badRequest("the priority %q is no whole number", text)
		}
		calls = append(calls, later.Priority(n))
	}
	if o.At != "" {
		at, err := readTime(o.At, zone)
		if err != nil {
			return nil, err
		}
		calls = append(calls, later.At(at))
	}
	if o.User != "" {
		calls = append(calls, later.User(o.User))
	}
	if o.Target != "" {
		calls = append(calls, later.Target(o.Target))
	}
	var tags []string
	for tag := range strings.SplitSeq(o.Tags, ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	if len(tags) > 0 {
		calls = append(calls, later.Tags(tags...))
	}
	return calls, nil
}

// readTime reads what people write, or what their browser does.
func readTime(text string, zone *time.Location) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if err != nil {
			at, err = time.ParseInLocation(layout, text, zone)
		}
	}
	if err != nil {
		return at, badRequest("%q is no time: write it as 2026-12-24T18:00", text)
	}
	return at, nil
}

// explain puts what is wrong at its fields; what belongs to none is said above.
func (p *enqueuePage) explain(err error) {
	var rest []string
	for _, problem := range problemsOf(err) {
		i := slices.IndexFunc(p.Fields, func(f *field) bool {
			return problem.Pointer == f.Path || strings.HasPrefix(problem.Pointer, f.Path+"/")
		})
		if i >= 0 && !p.Raw {
			p.Fields[i].Problem = strings.TrimSpace(strings.TrimPrefix(problem.Pointer, p.Fields[i].Path) + " " + problem.Message)
			continue
		}
		rest = append(rest, problem.String())
	}
	if len(rest) > 0 {
		p.Problem = strings.Join(rest, "; ")
	} else if len(problemsOf(err)) == 0 {
		p.Problem = err.Error()
	}
}

// problemsOf finds every problem within an error.
func problemsOf(err error) (found []arguments.Problem) {
	if problem, ok := err.(*arguments.Problem); ok {
		return append(found, *problem)
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, each := range several.Unwrap() {
			found = append(found, problemsOf(each)...)
		}
		return found
	}
	if inner := errors.Unwrap(err); inner != nil {
		return problemsOf(inner)
	}
	return found
}
