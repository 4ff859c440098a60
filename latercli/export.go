package latercli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// exportVersion is the version of the format of exports.
const exportVersion = 1

// exportHeader is the first line of an export.
type exportHeader struct {
	Version int                     `json:"later_export"`
	Program string                  `json:"program"`
	At      time.Time               `json:"at"`
	Where   string                  `json:"where,omitempty"`
	After   int64                   `json:"after,omitempty"` // only jobs with ids above
	Counts  map[later.JobStatus]int `json:"counts"`          // when it began; others go on working
}

// exportEnd is the last line of an export: without it the file is not whole.
type exportEnd struct {
	End  bool  `json:"end"`
	Jobs int   `json:"jobs"`
	Last int64 `json:"last"` // id of the last job
}

// exporting is the flags of export.
type exporting struct {
	selection
	to    string
	after int64
}

func (a *app) exportCommand() *cobra.Command {
	var e exporting
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write whole jobs with their history as JSON lines",
		Long: "Writes whole jobs, with attempts, logs and steps, as JSON lines between a line that says what they are and one\n" +
			"that says that all are there. They are as they are stored, fields that are redacted elsewhere included: treat\n" +
			"the file as you treat the store. Jobs that others change meanwhile are as they are when they are read.\n" +
			"An export that was interrupted goes on with --after.",
		Example: "  later export --to jobs.jsonl\n  later export --where 'status:failed' | gzip >failed.jsonl.gz",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := e.get(time.Now().In(a.zone))
			if err != nil {
				return err
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.export(ctx, q, e, f) })
		},
	}
	a.selectionFlags(&e.selection, cmd)
	cmd.Flags().StringVar(&e.to, "to", "", "the file to write, which must not exist (the standard output)")
	cmd.Flags().Int64Var(&e.after, "after", 0, "only jobs with ids above")
	return cmd
}

func (a *app) export(ctx context.Context, q *later.JobQueue, e exporting, f later.Filter) (err error) {
	where := ""
	if !e.empty() {
		where = selects(f)
	}
	header := exportHeader{Version: exportVersion, Program: version(), At: time.Now().UTC(), Where: where, After: e.after, Counts: map[later.JobStatus]int{}}
	var only []int64 // rising; nil: all
	if e.empty() {
		counted, err := a.counted(ctx, q, f, later.CountByStatus)
		if err != nil {
			return err
		}
		for _, group := range counted.Groups {
			header.Counts[later.JobStatus(group.Values[0])] = int(group.Jobs)
		}
	} else if only, header.Counts, err = a.selected(ctx, q, f); err != nil {
		return err
	}
	total := 0
	for _, n := range header.Counts {
		total += n
	}
	to, done, err := a.exportTo(e.to)
	if err != nil {
		return err
	}
	bar := a.progress("exporting", total)
	end, err := writeExport(ctx, q, to, header, only, bar)
	bar.end()
	if err = errors.Join(err, done(err == nil)); err != nil {
		if end.Jobs > 0 && errors.Is(err, context.Canceled) {
			return fmt.Errorf("interrupted after %s; go on with --after %d: %w", plural(end.Jobs, "job"), end.Last, err)
		}
		return err
	}
	fmt.Fprintf(a.err, "%s exported\n", plural(end.Jobs, "job"))
	return nil
}

// selected are the ids of the jobs that a filter selects, rising, and how many are in each
// status.
func (a *app) selected(ctx context.Context, q *later.JobQueue, f later.Filter) (ids []int64, counts map[later.JobStatus]int, err error) {
	ids, counts = []int64{}, map[later.JobStatus]int{}
	bar := a.progress("looking for jobs", 0)
	defer bar.end()
	err = eachPage(ctx, q, f, func(jobs []later.Job) error {
		for _, job := range jobs {
			ids = append(ids, job.ID)
			counts[job.Status]++
		}
		bar.add(len(jobs))
		return nil
	})
	slices.Reverse(ids)
	return ids, counts, err
}

// exportTo is the file to write, which gets its name when it is whole. Nobody else may
// read it: it holds what the store holds.
func (a *app) exportTo(path string) (io.Writer, func(whole bool) error, error) {
	if path == "" {
		return whole(a.out), func(bool) error { return nil }, nil
	}
	if _, err := os.Lstat(path); err == nil {
		return nil, nil, fmt.Errorf("%w: %s exists already", later.ErrConflict, path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".partial-") // 0600
	if err != nil {
		return nil, nil, err
	}
	return file, func(whole bool) error {
		if !whole {
			return errors.Join(file.Close(), os.Remove(file.Name()))
		}
		return errors.Join(file.Sync(), file.Close(), os.Rename(file.Name(), path))
	}, nil
}

// writeExport writes the lines. Of those that are wanted it reads runs of ids.
func writeExport(ctx context.Context, q *later.JobQueue, to io.Writer, header exportHeader, only []int64, bar *progressLine) (end exportEnd, err error) {
	buffered := bufio.NewWriterSize(to, 1<<16)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	if err := lines.Encode(header); err != nil {
		return end, err
	}
	end = exportEnd{End: true, Last: header.After}
	for {
		records, err := nextRecords(ctx, q, end.Last, &only)
		if err != nil {
			return end, errors.Join(err, buffered.Flush())
		}
		if len(records) == 0 {
			break
		}
		for _, record := range records {
			if err := lines.Encode(record); err != nil {
				return end, err
			}
		}
		if err := buffered.Flush(); err != nil {
			return end, err
		}
		end.Jobs += len(records)
		end.Last = records[len(records)-1].Job.ID
		bar.add(len(records))
	}
	return end, errors.Join(lines.Encode(end), buffered.Flush())
}

// nextRecords reads the next jobs above an id: any, or those that are left in only.
func nextRecords(ctx context.Context, q *later.JobQueue, after int64, only *[]int64) ([]store.Record, error) {
	if *only == nil {
		return q.Export(ctx, after, pageSize)
	}
	for {
		for len(*only) > 0 && (*only)[0] <= after {
			*only = (*only)[1:]
		}
		if len(*only) == 0 {
			return nil, nil
		}
		first := (*only)[0]
		run := 1 // how many stand close together
		for run < len(*only) && run < pageSize && (*only)[run]-first < 4*int64(run)+4 {
			run++
		}
		records, err := q.Export(ctx, first-1, int((*only)[run-1]-first)+1)
		if err != nil {
			return nil, err
		}
		last := (*only)[run-1]
		if len(records) > 0 && records[len(records)-1].Job.ID < last {
			last = records[len(records)-1].Job.ID // large jobs: fewer came
		}
		wanted := (*only)[:run]
		records = slices.DeleteFunc(records, func(r store.Record) bool {
			_, found := slices.BinarySearch(wanted, r.Job.ID)
			return !found
		})
		if after = last; len(records) > 0 {
			return records, nil
		}
	}
}
