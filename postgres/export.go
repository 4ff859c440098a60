package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// exportSize is how many bytes of arguments, results, errors and logs one Export
// returns, unless a single job has more: what travels must fit into memory.
const exportSize = 8 << 20

// Export returns the next whole jobs.
func (s *Store) Export(ctx context.Context, after int64, limit int) ([]store.Record, error) {
	var records []store.Record
	err := s.read(ctx, func(r *session) (err error) {
		records, err = export(r, after, max(limit, 0))
		return err
	})
	return records, err
}

func export(s *session, after int64, limit int) ([]store.Record, error) {
	list, err := s.ids("export_ids", after, limit, exportSize)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return wholeJobs(s, list)
}

// wholeJobs reads jobs with everything that belongs to them.
func wholeJobs(s *session, list []int64) ([]store.Record, error) {
	jobs, err := readJobs(s, list)
	if err != nil {
		return nil, err
	}
	records, of := make([]store.Record, len(jobs)), make(map[int64]*store.Record, len(jobs))
	for i, job := range jobs {
		records[i].Job = job
		of[job.ID] = &records[i]
	}
	return records, exportRest(s, list, of)
}

// exportRest adds what is not in the job itself.
func exportRest(s *session, list []int64, of map[int64]*store.Record) error {
	err := s.query("export_places", func(r row) error {
		var id, position int64
		var reason pgtype.Text
		if err := r.Scan(&id, &position, &reason); err != nil {
			return err
		}
		of[id].Position, of[id].CancelReason = position, reason.String
		return nil
	}, list)
	if err != nil {
		return err
	}
	holding, err := s.ids("keys_of_jobs", list)
	if err != nil {
		return err
	}
	for _, id := range holding {
		of[id].HoldsKey = true
	}
	err = s.query("export_attempts", func(r row) error {
		a, err := scanAttempt(r)
		if err != nil {
			return err
		}
		of[a.JobID].Attempts = append(of[a.JobID].Attempts, a)
		return nil
	}, list)
	if err != nil {
		return err
	}
	err = s.query("export_logs", func(r row) error {
		line, err := scanLine(r)
		if err != nil {
			return err
		}
		of[line.JobID].Log = append(of[line.JobID].Log, line)
		return nil
	}, list)
	if err != nil {
		return err
	}
	return s.query("export_steps", func(r row) error {
		step, err := scanStep(r)
		if err != nil {
			return err
		}
		of[step.JobID].Steps = append(of[step.JobID].Steps, step)
		return nil
	}, list)
}
