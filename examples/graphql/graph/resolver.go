// Package graph is the GraphQL side of the example: resolvers that enqueue, cancel and
// watch jobs. generated.go and models.go are written by gqlgen.
package graph

//go:generate go tool gqlgen generate --config ../gqlgen.yml

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/examples/batch"
	"github.com/laterjobs/later/examples/email"
	"github.com/laterjobs/later/sqlite"
)

// Resolver is what all resolvers share.
type Resolver struct {
	Store *sqlite.Store
	Queue *later.JobQueue
}

type (
	queryResolver        struct{ *Resolver }
	mutationResolver     struct{ *Resolver }
	subscriptionResolver struct{ *Resolver }
)

// Query returns the resolvers of the type Query.
func (r *Resolver) Query() QueryResolver { return queryResolver{r} }

// Mutation returns the resolvers of the type Mutation.
func (r *Resolver) Mutation() MutationResolver { return mutationResolver{r} }

// Subscription returns the resolvers of the type Subscription.
func (r *Resolver) Subscription() SubscriptionResolver { return subscriptionResolver{r} }

// Job resolves job(id).
func (r queryResolver) Job(ctx context.Context, id string) (*Job, error) {
	job, err := r.find(ctx, id)
	if errors.Is(err, later.ErrNotFound) {
		return nil, nil // GraphQL's way to say so
	}
	return job, err
}

// SignUp resolves signUp: the user and the job are stored together, or neither.
func (r mutationResolver) SignUp(ctx context.Context, name, address string) (*SignUp, error) {
	tx, err := r.Store.DB().BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // does nothing after the commit
	user, err := insertUser(ctx, tx, name, address)
	if err != nil {
		return nil, err
	}
	job, err := email.Welcome.PerformLater(ctx, r.Queue.Tx(r.Store.Tx(tx)),
		email.WelcomeArgs{Name: name, Email: address}, later.User(user))
	if err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, err
	}
	return &SignUp{UserID: user, Job: shown(job)}, nil
}

func insertUser(ctx context.Context, tx *sql.Tx, name, address string) (string, error) {
	done, err := tx.ExecContext(ctx, "INSERT INTO users (name, email) VALUES (?, ?)", name, address)
	if err != nil {
		return "", fmt.Errorf("sign up %s: %w", address, err)
	}
	id, err := done.LastInsertId()
	return strconv.FormatInt(id, 10), err
}

// ProcessTable resolves processTable.
func (r mutationResolver) ProcessTable(ctx context.Context, table string, records int) (*Job, error) {
	job, err := batch.Process.PerformLater(ctx, r.Queue, batch.Args{Table: table, Records: records})
	if err != nil {
		return nil, err
	}
	return shown(job), nil
}

// CancelJob resolves cancelJob.
func (r mutationResolver) CancelJob(ctx context.Context, id, reason string) (*Job, error) {
	number, err := jobID(id)
	if err != nil {
		return nil, err
	}
	if err := r.Queue.Cancel(ctx, number, reason); err != nil {
		return nil, err
	}
	return r.find(ctx, id)
}

// look is how often a subscription looks at its job. Progress is in the store, so that
// it does not matter which process performs the job and which one is asked.
const look = 200 * time.Millisecond

// Progress resolves the subscription progress.
func (r subscriptionResolver) Progress(ctx context.Context, id string) (<-chan *Job, error) {
	job, err := r.find(ctx, id)
	if err != nil {
		return nil, err
	}
	told := make(chan *Job)
	go func() {
		defer close(told)
		for last := (Job{}); ; {
			if *job != last {
				select {
				case told <- job:
				case <-ctx.Done():
					return
				}
			}
			if last = *job; finished(last.Status) {
				return
			}
			select {
			case <-time.After(look):
			case <-ctx.Done(): // whoever asked has gone
				return
			}
			next, err := r.find(ctx, id)
			if errors.Is(err, later.ErrNotFound) {
				return // somebody deleted it
			}
			if err == nil { // otherwise the store does not answer now: look again
				job = next
			}
		}
	}()
	return told, nil
}

func finished(s JobStatus) bool {
	return s == JobStatusCompleted || s == JobStatusFailed || s == JobStatusCancelled
}

func (r *Resolver) find(ctx context.Context, id string) (*Job, error) {
	number, err := jobID(id)
	if err != nil {
		return nil, err
	}
	job, err := r.Queue.Get(ctx, number)
	if err != nil {
		return nil, err
	}
	return shown(job), nil
}

func jobID(id string) (int64, error) {
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not the id of a job: ids are numbers", id)
	}
	return number, nil
}

// shown is a job as GraphQL shows it. Arguments stay inside.
func shown(job later.Job) *Job {
	return &Job{
		ID: strconv.FormatInt(job.ID, 10), Type: job.Type, Status: JobStatus(strings.ToUpper(string(job.Status))),
		Attempt: job.Attempt, Done: int(job.Progress.Done), Total: int(job.Progress.Total), Error: job.Error,
	}
}
