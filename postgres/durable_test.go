package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/store"
)

// TestAcknowledgedSurvivesAKill: of a server that writes what nobody waits for only
// every ten seconds.
func TestAcknowledgedSurvivesAKill(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "wal_writer_delay=10s")
	s := open(t, server.URL())
	crash := func() {
		server.Kill()
		server.StartAgain()
	}
	var ids []int64
	for range 5 { // the server may be quick with the first
		ids = append(ids, storeOne(t, s))
	}
	crash()
	var claimed []store.Job
	claim := func() (err error) {
		demand := store.Demand{ProcessID: 1, Token: 7, Types: []string{"MyJob"}, Limit: 100}
		claimed, err = s.Claim(t.Context(), demand, s.Now())
		return err
	}
	untilBack(t, claim)
	if len(claimed) != len(ids) {
		t.Fatalf("%d of %d jobs are there", len(claimed), len(ids))
	}
	for _, job := range claimed {
		untilBack(t, func() error {
			_, err := s.Finish(t.Context(), []store.Outcome{{JobID: job.ID, Token: job.Token, Kind: store.Complete}}, s.Now())
			return err
		})
	}
	crash()
	untilBack(t, claim)
	if len(claimed) != 0 {
		t.Errorf("claimed after they were completed: %v", claimed)
	}
}

// untilBack tries until the server is there again.
func untilBack(t *testing.T, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := try()
		if err == nil {
			return
		}
		if !errors.Is(err, store.ErrUnavailable) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
