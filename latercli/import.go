package latercli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// importing is the flags of import.
type importing struct {
	dryRun     bool
	onConflict string
	after      int64
	shift      string
	anyArgs    bool
}

func (a *app) importCommand() *cobra.Command {
	var m importing
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Store the jobs of an export, with their history",
		Long: "Stores the jobs of an export where their statuses say, with ids, history and times. A job that ran becomes\n" +
			"pending. A file is read to its end before anything is stored; the standard input (-) is not.\n" +
			"Arguments of jobs that wait are checked against the schemas of their types.\n\n" +
			"A job whose id exists is passed over, so that an import that was interrupted can be repeated; --on-conflict fail\n" +
			"stops there, and new-id stores it under a new id. With new-id a repeated import stores jobs twice: go on with --after.",
		Example: "  later import jobs.jsonl --dry-run\n  zcat failed.jsonl.gz | later import -",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if m.onConflict != "skip" && m.onConflict != "fail" && m.onConflict != "new-id" {
				return usagef("--on-conflict %q: choose skip, fail or new-id", m.onConflict)
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.importFrom(ctx, q, args[0], m) })
		},
	}
	cmd.Flags().BoolVarP(&m.dryRun, "dry-run", "n", false, "read everything, say what would be stored, and store nothing")
	cmd.Flags().StringVar(&m.onConflict, "on-conflict", "skip", "what to do with a job whose id exists: skip, fail or new-id")
	cmd.Flags().Int64Var(&m.after, "after", 0, "only jobs with ids above")
	cmd.Flags().StringVar(&m.shift, "shift", "", "move all times: by 2d, -3h, or now: as if it had been exported now")
	cmd.Flags().BoolVar(&m.anyArgs, "any-args", false, "store jobs whose arguments do not fit the schema of their type, too")
	return cmd
}

// imported is what became of the jobs of a file.
type imported struct {
	Jobs     int                     `json:"jobs"`      // stored, or to be stored
	Skipped  int                     `json:"skipped"`   // their ids exist
	NewIDs   int                     `json:"new_ids"`   // of the jobs: stored under a new id
	ByStatus map[later.JobStatus]int `json:"by_status"` // of the jobs
	Last     int64                   `json:"last"`      // id of the last job that was read
	newest   int64                   // id that new ones come after
	shift    time.Duration
}

func (a *app) importFrom(ctx context.Context, q *later.JobQueue, path string, m importing) error {
	if _, err := shiftBy(m.shift, time.Time{}, time.Time{}); err != nil {
		return err
	}
	types, err := q.KnownTypes(ctx)
	if err != nil {
		return err
	}
	wrong := newMisfits(types)
	check := func(_ exportHeader, records []store.Record) error {
		for i := range records {
			if records[i].Job.ID > m.after && !m.anyArgs {
				wrong.check(&records[i])
			}
		}
		return nil
	}
	from, total := a.in, 0
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		total, err = readExport(file, check)
		if err = errors.Join(err, wrong.refusal()); err != nil {
			return fmt.Errorf("%s: %w; nothing was stored", path, err)
		}
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		from = file
	}
	done := imported{ByStatus: map[later.JobStatus]int{}}
	bar := a.progress("importing", total)
	now := time.Now()
	_, err = readExport(from, func(header exportHeader, records []store.Record) error {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted; go on with --after %d: %w", done.Last, err)
		}
		if path == "-" { // else it has been looked at
			_ = check(header, records)
			if err := wrong.refusal(); err != nil {
				return err
			}
		}
		done.shift, _ = shiftBy(m.shift, header.At, now) // it has been read before
		bar.add(len(records))
		return done.take(ctx, q, records, m)
	})
	bar.end()
	return errors.Join(err, a.printImported(done, m))
}

func (a *app) printImported(done imported, m importing) error {
	if a.json() {
		return a.printJSON(done)
	}
	verb := "imported"
	if m.dryRun {
		verb = "would be imported"
	}
	_, err := fmt.Fprintf(a.out, "%s %s: %s\n", plural(done.Jobs, "job"), verb, breakdown(done.ByStatus))
	if done.Skipped > 0 {
		fmt.Fprintf(a.out, "%s passed over: their ids exist\n", plural(done.Skipped, "job"))
	}
	if done.NewIDs > 0 {
		fmt.Fprintf(a.out, "%s under new ids\n", plural(done.NewIDs, "job"))
	}
	return err
}

// take stores one batch of records.
func (i *imported) take(ctx context.Context, q *later.JobQueue, records []store.Record, m importing) error {
	var ids []int64
	for _, r := range records {
		ids = append(ids, r.Job.ID)
	}
	i.Last = ids[len(ids)-1]
	there, err := q.List(ctx, later.Filter{IDs: ids, Limit: len(ids)})
	if err != nil {
		return err
	}
	exists := map[int64]bool{}
	for _, job := range there {
		exists[job.ID] = true
	}
	var wanted []store.Record
	for _, r := range records {
		switch {
		case r.Job.ID <= m.after:
			continue
		case !exists[r.Job.ID]:
		case m.onConflict == "fail":
			return fmt.Errorf("%w: job %d exists already", later.ErrConflict, r.Job.ID)
		case m.onConflict == "new-id":
			if r, err = i.renumber(ctx, q, r); err != nil {
				return err
			}
			i.NewIDs++
		default:
			i.Skipped++
			continue
		}
		shift(&r, i.shift)
		i.Jobs++
		i.ByStatus[r.AtRest().Job.Status]++
		wanted = append(wanted, r)
	}
	if m.dryRun || len(wanted) == 0 {
		return nil
	}
	return q.Import(ctx, wanted)
}

// idGap is left between the newest job and the first new id, for what others enqueue
// before the first batch with new ids is stored: from then on they come after it.
const idGap = 100_000

// renumber gives a job a new id, everywhere.
func (i *imported) renumber(ctx context.Context, q *later.JobQueue, r store.Record) (store.Record, error) {
	if i.newest == 0 {
		jobs, err := q.List(ctx, later.Filter{Limit: 1})
		if err != nil {
			return r, err
		}
		i.newest = max(i.Last, jobs[0].ID) + idGap // there is one: the id exists
	}
	i.newest++
	r.Job.ID = i.newest
	for n := range r.Attempts {
		r.Attempts[n].JobID = i.newest
	}
	for n := range r.Log {
		r.Log[n].JobID = i.newest
	}
	for n := range r.Steps {
		r.Steps[n].JobID = i.newest
	}
	return r, nil
}

// importBatch bounds what is stored in one transaction, in jobs and bytes.
const (
	importBatch      = 500
	importBatchBytes = 8 << 20
)

// readExport reads an export and hands on its jobs, some at a time. It refuses what is
// none, and one that is not whole.
func readExport(from io.Reader, take func(exportHeader, []store.Record) error) (jobs int, err error) {
	lines := bufio.NewReaderSize(from, 1<<16)
	var header exportHeader
	if line, err := lines.ReadBytes('\n'); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	} else if json.Unmarshal(line, &header) != nil || header.Version == 0 {
		return 0, usagef("line 1 is not the beginning of an export: see later export")
	}
	if header.Version != exportVersion {
		return 0, usagef("it is an export of version %d, this program reads %d: use a newer one", header.Version, exportVersion)
	}
	var batch []store.Record
	size, last := 0, int64(0)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := take(header, batch)
		batch, size = nil, 0
		return err
	}
	for number := 2; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return jobs, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return jobs, errors.Join(flush(), usagef("it ends after %s, and is not whole", plural(jobs, "job")))
		}
		var end exportEnd
		if json.Unmarshal(line, &end) == nil && end.End {
			if end.Jobs != jobs {
				return jobs, errors.Join(flush(), usagef("it has %d jobs and says %d: it is not whole", jobs, end.Jobs))
			}
			return jobs, flush()
		}
		record, err := readRecord(line, last)
		if err != nil {
			return jobs, errors.Join(flush(), usagef("line %d: %w", number, err))
		}
		last = record.Job.ID
		jobs++
		batch = append(batch, record)
		if size += len(line); len(batch) >= importBatch || size >= importBatchBytes {
			if err := flush(); err != nil {
				return jobs, err
			}
		}
	}
}

func readRecord(line []byte, last int64) (record store.Record, err error) {
	if err := json.Unmarshal(line, &record); err != nil {
		return record, err
	}
	job := record.Job
	switch {
	case job.ID <= last:
		return record, fmt.Errorf("job %d: ids must rise", job.ID)
	case !job.Status.Valid():
		return record, fmt.Errorf("job %d: %q is no status", job.ID, job.Status)
	case job.Type == "" || job.Queue == "":
		return record, fmt.Errorf("job %d: it has no type or no queue", job.ID)
	}
	return record, nil
}
