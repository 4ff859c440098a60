//go:build linux

package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/laterjobs/later/internal/chaos/check"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

//go:embed file_triggers.sql
var fileTriggers string

// sqliteFile is a SQLite file, on a small file system of its own where that can be
// had.
type sqliteFile struct {
	*sqlite.Store
	folder  string
	mounted bool
}

// diskSize is enough for the jobs of a run, and little enough to fill it.
func diskSize(length time.Duration) int64 {
	return 192<<20 + int64(length.Minutes())*24<<20
}

func openFile(folder string, length time.Duration) (database, error) {
	f := &sqliteFile{folder: filepath.Join(folder, "disk")}
	if err := os.Mkdir(f.folder, 0o755); err != nil {
		return nil, err
	}
	err := syscall.Mount("tmpfs", f.folder, "tmpfs", 0, fmt.Sprintf("size=%d", diskSize(length)))
	if f.mounted = err == nil; !f.mounted {
		fmt.Fprintf(os.Stderr, "NO FULL DISKS: a file system of limited size cannot be mounted here: %v\n", err)
	}
	if f.Store, err = sqlite.Open(f.path()); err == nil {
		_, err = f.DB().Exec(fileTriggers)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *sqliteFile) path() string    { return filepath.Join(f.folder, "jobs.db") }
func (f *sqliteFile) ballast() string { return filepath.Join(f.folder, "ballast") }

func (f *sqliteFile) store() store.Store                  { return f.Store }
func (f *sqliteFile) address(*pgtest.Proxy) string        { return f.path() }
func (f *sqliteFile) proxy(string) (*pgtest.Proxy, error) { return nil, nil }

func (f *sqliteFile) heal() error {
	if err := os.Remove(f.ballast()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (f *sqliteFile) close() {
	if f.Store != nil {
		f.Store.Close()
	}
	if f.mounted {
		if err := syscall.Unmount(f.folder, 0); err != nil {
			fmt.Fprintf(os.Stderr, "unmount %s: %v\n", f.folder, err)
		}
	}
}

func (f *sqliteFile) moves(ctx context.Context) ([]check.Move, error) {
	return collectRows(ctx, f.DB(), `SELECT job_id, at, place, coalesce(token, 0), coalesce(process_id, 0), attempt, crashes, coalesce(kind, 0), coalesce(run_at, 0)
		FROM chaos_move ORDER BY seq`, scanMove)
}

func (f *sqliteFile) attempts(ctx context.Context) ([]check.Attempt, error) {
	return collectRows(ctx, f.DB(), "SELECT job_id, token, outcome FROM later_attempt", scanAttempt)
}

func (f *sqliteFile) rows(ctx context.Context) (map[int64]int, error) {
	return countedRows(collectRows(ctx, f.DB(), "SELECT job_id FROM chaos_effect", scanID))
}

func (f *sqliteFile) audit(ctx context.Context) (check.Audit, error) {
	var a check.Audit
	var problem string
	if err := f.DB().QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&problem); err != nil || problem != "ok" {
		return a, fmt.Errorf("integrity_check: %s %w", problem, err)
	}
	err := f.DB().QueryRowContext(ctx, `WITH place AS (
		SELECT job_id FROM later_waiting UNION ALL SELECT job_id FROM later_ready UNION ALL SELECT job_id FROM later_claimed UNION ALL SELECT job_id FROM later_finished)
		SELECT (SELECT count(*) FROM later_job), (SELECT count(*) FROM place),
			(SELECT count(*) FROM later_job WHERE (SELECT count(*) FROM (SELECT 1 FROM later_waiting w WHERE w.job_id = id UNION ALL SELECT 1 FROM later_ready r WHERE r.job_id = id
				UNION ALL SELECT 1 FROM later_claimed c WHERE c.job_id = id UNION ALL SELECT 1 FROM later_finished f WHERE f.job_id = id)) <> 1)`).Scan(&a.Rows, &a.Placed, &a.Lost)
	if err != nil {
		return a, err
	}
	a.Counted, err = countStatuses(collectRows(ctx, f.DB(), "SELECT status, count(*) FROM jobs GROUP BY status", scanStatus))
	return a, err
}

type statusCount struct {
	status string
	jobs   int64
}

func countStatuses(counts []statusCount, err error) (map[store.JobStatus]int64, error) {
	counted := map[store.JobStatus]int64{}
	for _, c := range counts {
		counted[store.JobStatus(c.status)] = c.jobs
	}
	return counted, err
}

func countedRows(ids []int64, err error) (map[int64]int, error) {
	counted := map[int64]int{}
	for _, id := range ids {
		counted[id]++
	}
	return counted, err
}

// row is what *sql.Rows and pgx.Rows have in common.
type row interface{ Scan(...any) error }

func scanMove(r row) (m check.Move, err error) {
	var place string
	err = r.Scan(&m.Job, &m.At, &place, &m.Token, &m.Process, &m.Attempt, &m.Crashes, &m.Kind, &m.RunAt)
	if err == nil {
		m.Place = check.Place(place[0])
	}
	return m, err
}

func scanAttempt(r row) (a check.Attempt, err error) {
	err = r.Scan(&a.Job, &a.Token, &a.Outcome)
	return a, err
}

func scanID(r row) (id int64, err error) {
	err = r.Scan(&id)
	return id, err
}

func scanStatus(r row) (c statusCount, err error) {
	err = r.Scan(&c.status, &c.jobs)
	return c, err
}

func collectRows[T any](ctx context.Context, db *sql.DB, query string, scan func(row) (T, error)) (all []T, err error) {
	found, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		one, err := scan(found)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, found.Err()
}

// fill leaves no room on the disk for a while.
func (f *sqliteFile) fill(ctx context.Context, d time.Duration) error {
	ballast, err := os.Create(f.ballast())
	if err != nil {
		return err
	}
	defer os.Remove(f.ballast())
	defer ballast.Close()
	var space syscall.Statfs_t
	for {
		if err := syscall.Statfs(f.folder, &space); err != nil {
			return err
		}
		free := int64(space.Bavail) * space.Bsize
		info, err := ballast.Stat()
		if err != nil {
			return err
		}
		if free > 0 { // others may have freed some since
			_ = syscall.Fallocate(int(ballast.Fd()), 0, info.Size(), free)
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
			d = max(0, time.Until(deadline))
		}
		step := min(d, 50*time.Millisecond)
		if step <= 0 || pause(ctx, step) != nil {
			return nil
		}
		d -= step
	}
}

// lock keeps every other process from writing for a while.
func (f *sqliteFile) lock(ctx context.Context, d time.Duration) error {
	tx, err := f.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return pause(ctx, d)
}

// pin holds an old snapshot for a while, so that the write-ahead log grows.
func (f *sqliteFile) pin(ctx context.Context, d time.Duration) error {
	return holdSnapshot(ctx, f.DB(), d)
}

// holdSnapshot reads in a transaction that stays open for a while.
func holdSnapshot(ctx context.Context, db *sql.DB, d time.Duration) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	var facts int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM later_meta").Scan(&facts); err != nil {
		return err
	}
	return pause(ctx, d)
}
