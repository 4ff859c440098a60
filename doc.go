// Package later performs jobs later: stored durably, retried, timed out,
// cancelled and visible. It starts as one embedded SQLite file and moves to
// PostgreSQL, with many machines, by changing the line that opens the store.
//
// A definition names a type of job and the type of its arguments. It has no
// dependencies, so that those who enqueue a job need not know those who perform
// it:
//
//	var WelcomeEmail = later.Define[WelcomeArgs]("WelcomeEmailJob", later.Queue("mailers"))
//
// A handler binds a definition to the function that does the work. A JobQueue
// stores jobs, and performs those that it has handlers for:
//
//	store, err := sqlite.Open("jobs.db")
//	queue := later.New(store, later.Config{})
//	queue.Register(WelcomeEmail.Do(mailer.Welcome))
//
//	job, err := WelcomeEmail.PerformLater(ctx, queue, WelcomeArgs{UserID: 42})
//
//	err = queue.Run(ctx) // works until ctx ends, then stops gracefully
//
// The promise is at-least-once execution, at most one accepted outcome per
// claim, and exactly-once database effects when the handler completes the job in
// its own transaction. A handler must therefore stand being performed twice.
//
// Every refusal matches a sentinel such as ErrInvalidArgs or ErrNotFound with
// errors.Is.
package later
