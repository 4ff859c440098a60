package later

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/store"
)

// The kinds of options. Where an option fits is its type, so that a misplaced
// one does not compile.
type (
	// DefineOption fits Define and DefineResult.
	DefineOption interface{ define(*definition) }
	// CallOption fits With, PerformLater, PerformAt, PerformIn, PerformNow and Enqueue.
	CallOption interface{ call(*Call) }
	// Option fits both: a definition's is the default, a call's overrides it.
	Option interface {
		DefineOption
		CallOption
	}
)

type (
	defineOption func(*definition)
	callOption   func(*Call)
	sharedOption func(*settings)
)

func (o defineOption) define(d *definition) { o(d) }
func (o callOption) call(c *Call)           { o(c) }
func (o sharedOption) define(d *definition) { o(&d.settings) }
func (o sharedOption) call(c *Call)         { o(&c.settings) }

// settings are what a definition gives to its calls, and a call may override.
type settings struct {
	queue      string
	priority   int
	maxRetries int
	timeout    time.Duration
	tags       []string
	notifyInTx bool
	uniqueness *uniqueness // nil: most are not unique
	problems   []error
	deadlines  *deadlines // nil: none; never changed, since many share it
}

var defaultSettings = settings{queue: "default", maxRetries: 3, timeout: 5 * time.Minute}

func (s *settings) refuse(format string, args ...any) {
	s.problems = append(s.problems, fmt.Errorf(format, args...))
}

// invalid is the problems of the options as one error; nil if there are none.
func (s *settings) invalid(of string) error {
	if len(s.problems) == 0 {
		return nil
	}
	return fmt.Errorf("%w of %s: %w", ErrInvalidOption, of, errors.Join(s.problems...))
}

// Description says in a sentence what the job does, for people.
func Description(text string) DefineOption {
	return defineOption(func(d *definition) { d.description = text })
}

// FormerlyNamed makes jobs that were stored under older names runnable.
func FormerlyNamed(names ...string) DefineOption {
	return defineOption(func(d *definition) {
		for _, name := range names {
			if problem := checkName("former name", name); problem != nil {
				d.refuse("%w", problem)
			}
		}
		d.former = append(d.former, names...)
	})
}

// Queue names the queue; "default" by default.
func Queue(name string) Option {
	return sharedOption(func(s *settings) {
		if problem := checkName("queue", name); problem != nil {
			s.refuse("%w", problem)
		}
		s.queue = name
	})
}

// Priority decides who goes first in a queue: higher first, −32768…32767, 0 by
// default; equal ones first in, first out.
func Priority(priority int) Option {
	return sharedOption(func(s *settings) {
		if priority < math.MinInt16 || priority > math.MaxInt16 {
			s.refuse("priority %d is outside −32768…32767", priority)
		}
		s.priority = priority
	})
}

// Timeout ends the context of an attempt with ErrTimeout; 5 minutes by default,
// 0 for none.
func Timeout(timeout time.Duration) Option {
	return sharedOption(func(s *settings) {
		if timeout < 0 {
			s.refuse("timeout %v is negative; 0 means none", timeout)
		}
		s.timeout = timeout
	})
}

// Tags adds labels by which jobs can be found. A call's come in addition to the
// definition's.
func Tags(tags ...string) Option {
	return sharedOption(func(s *settings) {
		for _, tag := range tags {
			if problem := checkName("tag", tag); problem != nil {
				s.refuse("%w", problem)
			}
		}
		s.tags = append(s.tags[:len(s.tags):len(s.tags)], tags...)
	})
}

// NotifyInTx tells other processes of a job that is enqueued in a transaction with
// its commit, so that it starts within milliseconds. Without it, and without the
// lock that a message at a commit takes, they are told within about a second. It
// means something only in a transaction (see JobQueue.Tx) on PostgreSQL.
func NotifyInTx() Option {
	return sharedOption(func(s *settings) { s.notifyInTx = true })
}

// User says who owns the job.
func User(id string) CallOption {
	return callOption(func(c *Call) { c.user = c.owner("user", id) })
}

// Target says what the job works on, so that "cancel everything for this target"
// is one call.
func Target(id string) CallOption {
	return callOption(func(c *Call) { c.target = c.owner("target", id) })
}

// Metadata adds a JSON object of the caller's own. It is stored with the job
// and never looked at.
func Metadata(metadata map[string]any) CallOption {
	return callOption(func(c *Call) {
		raw, err := arguments.Encode(metadata)
		if err != nil {
			c.refuse("metadata: %w", err)
		}
		c.metadata = raw
	})
}

// At performs the job at a time; one in the past means now.
func At(at time.Time) CallOption {
	return callOption(func(c *Call) {
		if at.IsZero() {
			c.refuse("the time to perform at is the zero time; leave At away to perform at once")
		} else if at.UTC().Year() > maxYear {
			c.refuse("time %v is beyond the year %d", at, maxYear)
		}
		c.at, c.in = at, 0
	})
}

// In performs the job after a while; not at all negative.
func In(in time.Duration) CallOption {
	return callOption(func(c *Call) {
		if in < 0 {
			c.refuse("delay %v is negative", in)
		}
		c.at, c.in = time.Time{}, in
	})
}

const (
	maxYear = 9999 // times beyond have no common text form
	maxName = 128  // bytes of a type, queue, tag, user or target
)

// checkName refuses names that cannot be stored or shown everywhere.
func checkName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s is empty", what)
	case len(name) > maxName:
		return fmt.Errorf("%s %.40q… has %d bytes; at most %d are allowed", what, name, len(name), maxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%s %q is not valid UTF-8", what, name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("%s %q contains a control character", what, name)
	}
	return nil
}

// newJob is the call as the store takes it.
func (c *Call) newJob(now time.Time) store.NewJob {
	runAt := c.at
	if c.in > 0 {
		runAt = now.Add(c.in)
	}
	return store.NewJob{
		Type: c.jobType, Queue: c.queue, Priority: c.priority, Args: c.args, Metadata: c.metadata,
		UserID: c.user, TargetID: c.target, Tags: c.tags, Options: c.options(now, runAt),
		MaxRetries: c.maxRetries, Timeout: c.timeout, RunAt: runAt, NotifyInTx: c.notifyInTx,
		OnConflict: c.uniqueness.conflict(),
	}
}
