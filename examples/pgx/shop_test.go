package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/latertest"
	"github.com/laterjobs/later/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	ada   = "ada@example.com"
	cents = 4200
)

func TestBothAreStored(t *testing.T) {
	shop, queue := open(t, ownSchema(t), later.Config{})
	if err := shop.SignUp(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	jobs := latertest.Enqueued(t, queue, WelcomeEmail)
	if len(jobs) != 1 || jobs[0].Args.Email != ada {
		t.Errorf("jobs: %+v", jobs)
	}
}

func TestNeitherIsStored(t *testing.T) {
	shop, queue := open(t, ownSchema(t), later.Config{})
	if err := shop.SignUp(t.Context(), "not an address"); !errors.Is(err, later.ErrInvalidArgs) {
		t.Errorf("error: %v", err)
	}
	if n := count(t, shop, "accounts"); n != 0 {
		t.Errorf("%d accounts", n)
	}
	signUp(t, shop)
	if _, err := shop.Order(t.Context(), ada, 0); !errors.Is(err, later.ErrInvalidArgs) {
		t.Errorf("error: %v", err)
	}
	if n, jobs := count(t, shop, "orders"), latertest.Jobs(t, queue, BookPayment); n != 0 || len(jobs) != 0 {
		t.Errorf("%d orders, jobs %+v", n, jobs)
	}
}

// TestCommitOfTheOrderFails after the job was stored.
func TestCommitOfTheOrderFails(t *testing.T) {
	shop, queue := open(t, ownSchema(t), later.Config{})
	signUp(t, shop)
	refuseSecond(t, shop, "orders")
	order(t, shop)
	if job, err := shop.Order(t.Context(), ada, cents); err == nil {
		t.Errorf("job: %+v", job)
	}
	if n, jobs := count(t, shop, "orders"), latertest.Jobs(t, queue, BookPayment); n != 1 || len(jobs) != 1 {
		t.Errorf("%d orders, jobs %+v", n, jobs)
	}
}

// TestJobsOfTransactionsArePerformed by another process, which a message wakes: it
// polls once an hour.
func TestJobsOfTransactionsArePerformed(t *testing.T) {
	schema := ownSchema(t)
	shop, queue := open(t, schema, later.Config{})
	worker, works := open(t, schema, later.Config{PollInterval: time.Hour})
	greeted := make(chan string, 1)
	works.Register(BookPayment.Do(worker.book), WelcomeEmail.Do(func(_ context.Context, args WelcomeArgs) error {
		greeted <- args.Email
		return nil
	}))
	start(t, works)
	if err := shop.SignUp(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
	if email := <-greeted; email != ada {
		t.Errorf("greeted %s", email)
	}
	job := order(t, shop)
	if job = wait(t, queue, job.ID); job.Status != later.StatusCompleted || count(t, shop, "payments") != 1 {
		t.Errorf("job: %+v", job)
	}
}

func TestRun(t *testing.T) {
	schema := ownSchema(t)
	shop, queue := open(t, schema, later.Config{})
	signUp(t, shop)
	job := order(t, shop)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- Run(ctx, in(t, schema), postgres.Schema(schema)) }()
	if job := wait(t, queue, job.ID); job.Status != later.StatusCompleted || count(t, shop, "payments") != 1 {
		t.Errorf("job: %+v", job)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestDiesAfterTheCommit: an error of the handler after its commit, as if its process
// had died there, changes nothing any more.
func TestDiesAfterTheCommit(t *testing.T) {
	var performed atomic.Int64
	shop, queue := open(t, ownSchema(t), later.Config{Middleware: []later.Middleware{{
		Perform: func(ctx context.Context, _ *later.RunningJob, next func(context.Context) error) error {
			performed.Add(1)
			return errors.Join(next(ctx), errors.New("died after the commit"))
		},
	}}})
	queue.Register(BookPayment.Do(shop.book))
	signUp(t, shop)
	job := order(t, shop)
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	job = get(t, queue, job.ID)
	if job.Status != later.StatusCompleted || job.Attempt != 1 || job.Error != "" {
		t.Errorf("job: %+v", job)
	}
	if n := count(t, shop, "payments"); n != 1 || performed.Load() != 1 {
		t.Errorf("%d payments, performed %d times", n, performed.Load())
	}
}

// TestCommitOfTheBookingFails after the job was completed in it: nothing was, and the
// retry books.
func TestCommitOfTheBookingFails(t *testing.T) {
	shop, queue := open(t, ownSchema(t), later.Config{})
	queue.Register(BookPayment.Do(shop.book))
	signUp(t, shop)
	allow := refuseSecond(t, shop, "payments")
	order(t, shop)
	job := order(t, shop)
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if job := get(t, queue, job.ID); job.Status != later.StatusRetrying || count(t, shop, "payments") != 1 {
		t.Errorf("%d payments, job %+v", count(t, shop, "payments"), job)
	}
	allow()
	if err := queue.Retry(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if job := get(t, queue, job.ID); job.Status != later.StatusCompleted || count(t, shop, "payments") != 2 {
		t.Errorf("%d payments, job %+v", count(t, shop, "payments"), job)
	}
}

// TestPerformedByTwo: a process had to stop and gave back a job whose handler goes on
// all the same. Another performs it meanwhile, and the first comes too late.
func TestPerformedByTwo(t *testing.T) {
	schema := ownSchema(t)
	begun, goOn, late := make(chan bool), make(chan bool), make(chan error)
	slow, slowQueue := open(t, schema, later.Config{
		SoftStop: time.Millisecond, HardStop: time.Millisecond,
		Middleware: []later.Middleware{{
			Perform: func(ctx context.Context, _ *later.RunningJob, next func(context.Context) error) error {
				close(begun)
				<-goOn
				err := next(context.WithoutCancel(ctx)) // it does not look whether it should stop
				late <- err
				return err
			},
		}},
	})
	slowQueue.Register(BookPayment.Do(slow.book))
	start(t, slowQueue)
	signUp(t, slow)
	job := order(t, slow)
	<-begun
	if _, err := slowQueue.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	shop, queue := open(t, schema, later.Config{})
	queue.Register(BookPayment.Do(shop.book))
	start(t, queue)
	if job := wait(t, queue, job.ID); job.Status != later.StatusCompleted {
		t.Errorf("job: %+v", job)
	}
	close(goOn)
	if err := <-late; !errors.Is(err, later.ErrConflict) {
		t.Errorf("the one that was late: %v", err)
	}
	if n := count(t, shop, "payments"); n != 1 {
		t.Errorf("%d payments", n)
	}
}

// TestQueriesOfTheDocument runs what docs/postgres.md tells people to run.
func TestQueriesOfTheDocument(t *testing.T) {
	document, err := os.ReadFile("../../docs/postgres.md")
	if err != nil {
		t.Fatal(err)
	}
	schema := ownSchema(t)
	shop, _ := open(t, schema, later.Config{})
	signUp(t, shop)
	tx, err := shop.store.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) // the role goes, too
	run := func(text string) {
		t.Helper()
		if _, err := tx.Conn().PgConn().Exec(t.Context(), text).ReadAll(); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
	run("CREATE ROLE later_app")
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllSubmatch(document, -1)
	for _, block := range blocks {
		text := strings.ReplaceAll(string(block[1]), "later.", schema+".")
		run(strings.NewReplacer("SCHEMA later", "SCHEMA "+schema, "TO app", "TO later_app").Replace(text))
	}
	if len(blocks) != 2 {
		t.Errorf("the document has %d blocks of SQL", len(blocks))
	}
}

var schemas atomic.Int64

// ownSchema names a schema of the test's own, for the jobs and the shop. It goes when
// the test ends.
func ownSchema(t *testing.T) string {
	t.Helper()
	schema := fmt.Sprintf("shop_pgx_%d", schemas.Add(1))
	drop := func() {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, pgtest.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE"); err != nil {
			t.Fatal(err)
		}
	}
	drop() // a server that outlives the tests may have one of an earlier run
	t.Cleanup(drop)
	return schema
}

// open opens the shop as a process of its own would.
func open(t *testing.T, schema string, cfg later.Config) (*Shop, *later.JobQueue) {
	t.Helper()
	store, err := postgres.Open(t.Context(), in(t, schema), postgres.Schema(schema))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	queue := later.New(store, cfg)
	shop, err := New(t.Context(), store, queue)
	if err != nil {
		t.Fatal(err)
	}
	return shop, queue
}

// in is the URL of the database, with the tables of the shop in a schema.
func in(t *testing.T, schema string) string {
	t.Helper()
	address, err := url.Parse(pgtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", schema)
	address.RawQuery = query.Encode()
	return address.String()
}

func start(t *testing.T, queue *later.JobQueue) {
	t.Helper()
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queue.Stop(context.Background()) })
}

func signUp(t *testing.T, shop *Shop) {
	t.Helper()
	if err := shop.SignUp(t.Context(), ada); err != nil {
		t.Fatal(err)
	}
}

func order(t *testing.T, shop *Shop) later.Job {
	t.Helper()
	job, err := shop.Order(t.Context(), ada, cents)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func get(t *testing.T, queue *later.JobQueue, id int64) later.Job {
	t.Helper()
	job, err := queue.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func wait(t *testing.T, queue *later.JobQueue, id int64) later.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	job, err := queue.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// refuseSecond makes the commit of a second row in a table fail, until allow is called.
func refuseSecond(t *testing.T, shop *Shop, table string) (allow func()) {
	t.Helper()
	exec := func(text string) {
		t.Helper()
		if _, err := shop.store.Pool().Exec(t.Context(), "ALTER TABLE "+table+text); err != nil {
			t.Fatal(err)
		}
	}
	exec(" ADD CONSTRAINT one UNIQUE (email) DEFERRABLE INITIALLY DEFERRED")
	return func() { exec(" DROP CONSTRAINT one") }
}

func count(t *testing.T, shop *Shop, table string) (rows int) {
	t.Helper()
	if err := shop.store.Pool().QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}
