package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

// write adds some megabytes to the write-ahead log.
func write(t *testing.T, s *Store, megabytes int) {
	t.Helper()
	job := store.NewJob{Type: "MyJob", Queue: "default", Args: []byte(`"` + strings.Repeat("x", 1<<20) + `"`)}
	for range megabytes {
		if _, err := s.Enqueue(t.Context(), []store.NewJob{job}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

func logBytes(t *testing.T, s *Store) int64 {
	t.Helper()
	info, err := os.Stat(logOf(s.path))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// withShortLog is a store whose log is long from 8 MB on.
func withShortLog(t *testing.T) *Store {
	t.Helper()
	s := inFile(t)
	if err := s.do(t.Context(), &request{run: func(*session) error {
		s.writer.log.limit, s.writer.log.patience = 8<<20, 8<<20
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	return s
}

// snapshot reads one state of the database until it is told to end.
func snapshot(s *Store) (end func() error, err error) {
	tx, err := s.db.BeginTx(context.Background(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	var jobs int
	return tx.Rollback, tx.QueryRow("SELECT count(*) FROM later_job").Scan(&jobs)
}

// TestLogOfSingleJobsIsShort: a commit writes whole pages, however little is new in them.
func TestLogOfSingleJobsIsShort(t *testing.T) {
	t.Parallel()
	s := inFile(t)
	for range 1500 { // five pages each
		if _, err := s.Enqueue(t.Context(), []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte("1")}}, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if bytes := logBytes(t, s); bytes > 3*checkpointAt/2 {
		t.Errorf("the log has %d bytes", bytes)
	}
}

// TestReaderThatDoesNotEnd: the log cannot be moved, so it grows; the store says so
// until the reader has gone.
func TestReaderThatDoesNotEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	t.Parallel()
	s := withShortLog(t)
	end, err := snapshot(s)
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, 5)
	if alarm := s.Alarm(); alarm != "" {
		t.Errorf("too early: %s", alarm)
	}
	write(t, s, 8)
	if alarm := s.Alarm(); !strings.Contains(alarm, "somebody reads an old state of the database and does not end") {
		t.Errorf("%d bytes of log: %q", logBytes(t, s), alarm)
	}
	if err := end(); err != nil {
		t.Fatal(err)
	}
	write(t, s, 20)
	if alarm := s.Alarm(); alarm != "" {
		t.Errorf("the reader has gone: %s", alarm)
	}
	if size := logBytes(t, s); size > 40<<20 {
		t.Errorf("the log has %d bytes", size)
	}
}

// TestReadersAllTheTime: at every moment somebody reads, each for a short time. The
// log begins anew all the same.
func TestReadersAllTheTime(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	t.Parallel()
	s := withShortLog(t)
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- relay(s, stop) }()
	write(t, s, 45)
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if size := logBytes(t, s); size > 30<<20 || s.Alarm() != "" {
		t.Errorf("after 45 MB the log has %d bytes, %q", size, s.Alarm())
	}
}

// relay reads one snapshot after the other; each begins before the one before ends.
func relay(s *Store, stop <-chan struct{}) error {
	end, err := snapshot(s)
	for err == nil {
		next, failed := snapshot(s)
		err = errors.Join(failed, end())
		end = next
		select {
		case <-stop:
			return errors.Join(err, end())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return err
}
