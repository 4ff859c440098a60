package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/examples/batch"
	"github.com/laterjobs/later/examples/cleanup"
	"github.com/laterjobs/later/examples/email"
	"github.com/laterjobs/later/examples/files"
)

// flakyArgs are the arguments of the job that fails a few times first.
type flakyArgs struct {
	Failures int `json:"failures" validate:"min=0,max=3"`
}

var flaky = later.Define[flakyArgs]("FlakyJob",
	later.Description("Fails a few times before it succeeds"),
	later.Linear(500*time.Millisecond, 2*time.Second))

// promise is a job, its story in a few words, and where it will end.
type promise struct {
	job   later.Job
	story string
	want  later.JobStatus
}

// stage holds the jobs of one run.
type stage struct {
	queue    *later.JobQueue
	dir      string
	promises []*promise
	round    int
	doomed   int64 // the job that will be cancelled while it runs
}

func newStage(queue *later.JobQueue, mailPort int, dir string) *stage {
	mailer := email.Mailer{Host: "127.0.0.1", Port: mailPort, From: "demo@example.com"}
	queue.Register(mailer.Handlers()...)
	queue.Register(new(files.Library).Handler(), cleanup.Cleaner{Queue: queue}.Handler())
	queue.Register(batch.Handler(func(ctx context.Context, _ string, _, _ int) error {
		select {
		case <-time.After(50 * time.Millisecond): // what a step of real work would take
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}))
	queue.Register(flaky.Do(func(ctx context.Context, args flakyArgs) error {
		if attempt := later.Running(ctx).Attempt; attempt <= args.Failures {
			return fmt.Errorf("flaky: attempt %d fails", attempt)
		}
		return nil
	}))
	return &stage{queue: queue, dir: dir}
}

// add stores a job and remembers what is promised for it.
func (s *stage) add(ctx context.Context, story string, want later.JobStatus, call later.Call) (int64, error) {
	jobs, err := s.queue.EnqueueAll(ctx, call)
	if err != nil {
		return 0, err
	}
	s.promises = append(s.promises, &promise{jobs[0], story, want})
	return jobs[0].ID, nil
}

// firstRound stores one job of each kind.
func (s *stage) firstRound(ctx context.Context) error {
	old := filepath.Join(s.dir, "old.log")
	if err := os.WriteFile(old, nil, 0o600); err != nil {
		return err
	}
	lastMonth := time.Now().AddDate(0, -1, 0)
	if err := os.Chtimes(old, lastMonth, lastMonth); err != nil {
		return err
	}
	var problems []error
	add := func(story string, want later.JobStatus, call later.Call) int64 {
		id, err := s.add(ctx, story, want, call)
		problems = append(problems, err)
		return id
	}
	add("mail to a new user", later.StatusCompleted, email.Welcome.With(email.WelcomeArgs{Name: "Ada", Email: "ada@example.com"}))
	add("the mail server is busy at first (451)", later.StatusCompleted,
		email.Email.With(email.Args{To: "busy@example.com", Subject: "Your invoice", Body: "Thank you.\n"}))
	add("the mail server refuses (550)", later.StatusFailed,
		email.Email.With(email.Args{To: "refused@example.com", Subject: "Are you there?", Body: "Hello?\n"}))
	problems = append(problems, s.addFiles(ctx, 4))
	add("5,000 records, 1,000 a step", later.StatusCompleted, batch.Process.With(batch.Args{Table: "orders", Records: 5000}))
	s.doomed = add("cancelled while it runs", later.StatusCancelled,
		batch.Process.With(batch.Args{Table: "invoices", Records: 1_000_000}))
	add("fails twice, then succeeds", later.StatusCompleted, flaky.With(flakyArgs{2}))
	add("in 2 s; stores tonight's clean-up", later.StatusCompleted,
		cleanup.Daily.With(cleanup.Args{Dir: s.dir, OlderThan: 7}, later.In(2*time.Second)))
	return errors.Join(problems...)
}

// addFiles makes files, the last one a copy of the first, and stores a job for each.
func (s *stage) addFiles(ctx context.Context, n int) error {
	s.round++
	for i := range n {
		path := filepath.Join(s.dir, fmt.Sprintf("photo-%d-%d.bin", s.round, i+1))
		content := rand.New(rand.NewPCG(uint64(s.round), uint64(i%(n-1))))
		story := "hash, size and type"
		if i == n-1 {
			story = "a duplicate"
		}
		if err := os.WriteFile(path, noise(content, 3<<20), 0o600); err != nil {
			return err
		}
		if _, err := s.add(ctx, story, later.StatusCompleted, files.Process.With(files.Args{Path: path})); err != nil {
			return err
		}
	}
	return nil
}

func noise(from *rand.Rand, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(from.Uint32())
	}
	return b
}

var names = []string{"Grace", "Alan", "Barbara", "Edsger", "Margaret", "Donald", "Frances", "Niklaus"}

// anotherRound stores a few more jobs for those who watch.
func (s *stage) anotherRound(ctx context.Context) error {
	name := names[s.round%len(names)]
	_, err := s.add(ctx, "mail to a new user", later.StatusCompleted,
		email.Welcome.With(email.WelcomeArgs{Name: name, Email: name + "@example.com"}))
	if err != nil {
		return err
	}
	if _, err := s.add(ctx, "fails once, then succeeds", later.StatusCompleted, flaky.With(flakyArgs{1})); err != nil {
		return err
	}
	_, err = s.add(ctx, "8,000 records", later.StatusCompleted, batch.Process.With(batch.Args{Table: "orders", Records: 8000}))
	return errors.Join(err, s.addFiles(ctx, 2))
}

// look reads how the jobs are, cancels the doomed one, and takes in the job that
// the clean-up has stored.
func (s *stage) look(ctx context.Context) error {
	for _, p := range s.promises {
		if p.job.Status.Finished() {
			continue
		}
		job, err := s.queue.Get(ctx, p.job.ID)
		if err != nil {
			return err
		}
		p.job = job
		if job.ID == s.doomed && job.Status == later.StatusRunning && job.Progress.Done >= 10*batch.Step && !job.CancelRequested {
			if err := s.queue.Cancel(ctx, job.ID, "somebody pressed cancel"); err != nil && !errors.Is(err, later.ErrConflict) {
				return err
			}
		}
	}
	return s.adoptCleanup(ctx)
}

func (s *stage) adoptCleanup(ctx context.Context) error {
	tonight, err := s.queue.List(ctx, later.Filter{Type: cleanup.Daily.Name(), Tag: "nightly", Limit: 1})
	if err != nil || len(tonight) == 0 {
		return err
	}
	for _, p := range s.promises {
		if p.job.ID == tonight[0].ID {
			return nil
		}
	}
	s.promises = append(s.promises, &promise{tonight[0], "tonight at 02:00", later.StatusScheduled})
	return nil
}

// settled reports whether every promise holds, tonight's clean-up included.
func (s *stage) settled() bool {
	tonight := false
	for _, p := range s.promises {
		if p.job.Status != p.want {
			return false
		}
		tonight = tonight || p.want == later.StatusScheduled
	}
	return tonight
}
