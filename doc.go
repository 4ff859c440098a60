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
//
// # Define
//
// [Define] and [DefineResult] take options: where a job goes ([Queue], [Priority],
// [Tags]), what becomes of a failure ([MaxRetries], [Exponential], [RetryOn], [RetryFor],
// [DiscardOn], [OnExhausted]), how long it may take ([Timeout], [StartWithin],
// [FinishWithin]), whether there may be a second one ([Unique], [UniqueArgs]), and what
// nobody else may read ([Encrypt]). Where an option fits is its type: an [Option] fits a
// call as well, and overrides what the definition says.
//
// # Enqueue
//
// PerformLater, PerformAt and PerformIn of a [Definition] store one job,
// [JobQueue.EnqueueAll] many. Within [JobQueue.Tx] they exist if your transaction commits. [JobQueue.Schedule]
// enqueues by a [Rule]: [Cron] or [Every]. [Middleware] surrounds both ends, and [Carry]
// takes values of a context from one to the other.
//
// # Inside a job
//
// What a handler returns decides what comes next: nil, an error, or [Postpone],
// [RetryIn], [Discard], [CancelSelf]. [Running] is the job itself: its log, progress,
// metadata and tags. [Step], [Do], [Cursor] and [Sleep] let a long job go on where it
// was; [StepTx] and [CompleteTx] make that part of a transaction of your own.
//
// # Watch and steer
//
// [JobQueue.Get], [JobQueue.List] and [JobQueue.Wait] look at jobs, [JobQueue.Cancel],
// [JobQueue.Retry], [JobQueue.Reschedule] and [JobQueue.Delete] change them, one or all
// that a [Filter] selects. [JobQueue.Subscribe] tells a program what happens to the jobs
// of its process, one by one, and never holds up work; [JobQueue.Observe] is for metrics,
// and tells of batches and times. [JobQueue.Health] and [JobQueue.Stats] are for probes.
// [Move] carries everything to another store.
package later
