package latercli

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
)

// The pages of top, in the order of their numbers.
const (
	pageQueues = iota
	pageJobs
	pageErrors
	pageProcesses
	pageSchedules
	pageProblems
	pages
)

var pageNames = [pages]string{"Queues", "Jobs", "Errors", "Processes", "Schedules", "Problems"}

// topScreen is the state of top. bubbletea calls its methods one after the other, and its
// commands beside them: they touch none of it.
type topScreen struct {
	*app
	ctx   context.Context
	queue *later.JobQueue

	store string // its name
	plain bool   // ASCII alone

	width, height int
	page, row     int
	now           snapshot
	looked        bool      // now is filled
	trouble       error     // of the last look
	asked         time.Time // when the problems were last looked for
	frozen        bool
	looking       bool
	helping       bool

	filter  string // of the page Jobs
	typing  bool   // the filter is being written
	typed   string
	message string         // of the last action
	asking  *topAction     // waits for y
	ticked  map[int64]bool // jobs
	opened  []string       // lines of the job that is open; nil: none
	scroll  int
	outs    []int64 // finished jobs, look by look, for the rate
}

// topAction is something that was asked for, and what it says when it is done.
type topAction struct {
	question string
	do       func(context.Context) (string, error)
}

type (
	topTick   time.Time
	topLooked struct {
		asked    bool // for problems
		page     int
		filter   string
		snapshot snapshot
		err      error
	}
	topDone struct {
		text string
		err  error
	}
	topOpened struct {
		lines []string
		err   error
	}
)

func (m *topScreen) Init() tea.Cmd { return tea.Batch(m.lookAgain(), nextTick()) }

func nextTick() tea.Cmd {
	return tea.Tick(topEvery, func(t time.Time) tea.Msg { return topTick(t) })
}

// lookAgain reads the store for the page that is shown, unless that is under way.
func (m *topScreen) lookAgain() tea.Cmd {
	if m.looking {
		return nil
	}
	m.looking = true
	ctx, queue, page, filter, limit := m.ctx, m.queue, m.page, m.filter, max(m.height, 10)
	ask := time.Since(m.asked) > doctorEvery
	zone, viewer := m.zone, m.app
	return func() tea.Msg {
		s, err := look(ctx, queue)
		switch {
		case err != nil:
		case page == pageJobs:
			var f later.Filter
			if f, err = query.Parse(filter, time.Now().In(zone)); err == nil {
				s.jobs, err = searched(ctx, queue, f, limit)
			}
		case page == pageErrors:
			s.causes, err = queue.Causes(ctx, later.CauseFilter{Limit: limit})
		case page == pageSchedules:
			s.schedules, err = viewer.visibleSchedules(ctx, queue)
		}
		if ask && err == nil {
			s.Problems, err = doctor(ctx, queue)
		}
		if ask && err == nil {
			s.past, err = lookBack(ctx, queue, s.At)
		}
		return topLooked{ask, page, filter, s, err}
	}
}

// searched is a list as far as one can wait for it.
func searched(ctx context.Context, queue *later.JobQueue, f later.Filter, limit int) ([]later.Job, error) {
	f, err := queue.Guard(ctx, f)
	if err != nil {
		return nil, err
	}
	f.Limit = limit
	found, err := queue.Search(ctx, f)
	return found.Jobs, err
}

func (m *topScreen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case topTick:
		if m.frozen {
			return m, nextTick()
		}
		return m, tea.Batch(m.lookAgain(), nextTick())
	case topLooked:
		return m, m.take(msg)
	case topDone:
		m.message = msg.text
		if msg.err != nil {
			m.message = msg.err.Error()
		}
		return m, m.lookAgain()
	case topOpened:
		if m.opened, m.scroll = msg.lines, 0; msg.err != nil {
			m.message = msg.err.Error()
		}
	case tea.KeyPressMsg:
		return m, m.press(msg.String())
	case tea.PasteMsg:
		if m.typing {
			m.typed += oneLine(msg.Content, 500)
		}
	}
	return m, nil
}

// take shows what a look has found, if it is still what is asked for.
func (m *topScreen) take(found topLooked) tea.Cmd {
	m.looking = false
	if found.page != m.page || found.filter != m.filter {
		return m.lookAgain()
	}
	if m.trouble = found.err; found.err != nil {
		return nil
	}
	if found.asked {
		m.asked = time.Now()
	} else {
		found.snapshot.Problems, found.snapshot.past = m.now.Problems, m.now.past
	}
	m.now, m.looked = found.snapshot, true
	done := int64(0)
	for _, status := range []later.JobStatus{later.StatusCompleted, later.StatusFailed, later.StatusCancelled} {
		done += m.now.Stats.Counts[status]
	}
	m.outs = append(m.outs, done)
	m.outs = m.outs[max(0, len(m.outs)-21):]
	m.row = max(0, min(m.row, m.rowCount()-1))
	return nil
}

func (m *topScreen) rowCount() int {
	return [pages]int{len(m.now.Stats.Queues), len(m.now.jobs), len(m.now.causes), len(m.now.Processes), len(m.now.schedules), len(m.now.Problems)}[m.page]
}

func (m *topScreen) press(key string) tea.Cmd {
	switch {
	case key == "ctrl+c":
		return tea.Quit
	case m.typing:
		return m.write(key)
	case m.asking != nil:
		action := m.asking
		if m.asking = nil; key != "y" && key != "Y" {
			m.message = "nothing was changed"
			return nil
		}
		ctx := m.ctx
		return func() tea.Msg {
			text, err := action.do(ctx)
			return topDone{text, err}
		}
	case m.helping:
		m.helping = false
		return nil
	case m.opened != nil:
		m.read(key)
		return nil
	}
	m.message = ""
	return m.command(key)
}

// write edits the filter.
func (m *topScreen) write(key string) tea.Cmd {
	switch key {
	case "enter":
		if _, err := query.Parse(m.typed, time.Now()); err != nil {
			m.message = err.Error()
			return nil
		}
		m.typing, m.filter, m.message = false, m.typed, ""
		return m.show(pageJobs)
	case "esc":
		m.typing = false
	case "backspace":
		if runes := []rune(m.typed); len(runes) > 0 {
			m.typed = string(runes[:len(runes)-1])
		}
	case "ctrl+u":
		m.typed = ""
	case "space":
		m.typed += " "
	default:
		if len([]rune(key)) == 1 {
			m.typed += key
		}
	}
	return nil
}

// read moves in the job that is open.
func (m *topScreen) read(key string) {
	switch key {
	case "q", "esc", "left", "h":
		m.opened = nil
	case "j", "down":
		m.scroll = min(m.scroll+1, max(0, len(m.opened)-1))
	case "k", "up":
		m.scroll = max(m.scroll-1, 0)
	case "space", "pgdown":
		m.scroll = min(m.scroll+m.height-4, max(0, len(m.opened)-1))
	case "pgup":
		m.scroll = max(m.scroll-m.height+4, 0)
	}
}

// command is what a key does on a page.
func (m *topScreen) command(key string) tea.Cmd {
	switch key {
	case "q":
		if m.page == pageJobs && m.filter != "" {
			m.filter = ""
			return m.show(pageJobs)
		}
		return tea.Quit
	case "esc":
		clear(m.ticked)
	case "1", "2", "3", "4", "5", "6":
		return m.show(int(key[0] - '1'))
	case "tab", "right", "l":
		return m.show((m.page + 1) % pages)
	case "shift+tab", "left", "h":
		return m.show((m.page + pages - 1) % pages)
	case "j", "down":
		m.row = max(0, min(m.row+1, m.rowCount()-1))
	case "k", "up":
		m.row = max(m.row-1, 0)
	case "g", "home":
		m.row = 0
	case "G", "end":
		m.row = max(0, m.rowCount()-1)
	case "space", ".":
		m.frozen = !m.frozen
	case "?":
		m.helping = true
	case "/":
		m.typing, m.typed = true, m.filter
	case "x":
		if job := m.job(); job != nil {
			if m.ticked[job.ID] = !m.ticked[job.ID]; !m.ticked[job.ID] {
				delete(m.ticked, job.ID)
			}
			m.row = min(m.row+1, m.rowCount()-1)
		}
	case "enter":
		return m.open()
	case "e":
		return m.explain()
	case "r", "c", "D":
		m.ask(key)
	case "p", "P":
		m.askPause()
	case "f":
		m.askFix()
	}
	return nil
}

func (m *topScreen) show(page int) tea.Cmd {
	if page != m.page {
		m.row = 0
		clear(m.ticked)
		m.now.jobs, m.now.causes, m.now.schedules = nil, nil, nil
	}
	m.page = page
	return m.lookAgain()
}

// job is the one under the cursor; nil: none.
func (m *topScreen) job() *later.Job {
	if m.page != pageJobs || m.row >= len(m.now.jobs) {
		return nil
	}
	return &m.now.jobs[m.row]
}
