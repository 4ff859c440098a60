package demo

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

func TestEveryPromiseHolds(t *testing.T) {
	var out bytes.Buffer
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "demo.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	report, err := Run(t.Context(), Options{Store: store, Headless: true, For: time.Minute, Out: &out, JSON: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !report.OK || report.Mails != 2 || report.Counts[later.StatusFailed] != 1 || report.Counts[later.StatusCancelled] != 1 || report.Counts[later.StatusScheduled] != 1 {
		t.Errorf("report: %+v", report)
	}
	var printed Report
	if err := json.Unmarshal(out.Bytes(), &printed); err != nil || len(printed.Jobs) != len(report.Jobs) {
		t.Errorf("printed %v: %s", err, out.String())
	}
	stats, err := later.New(store, later.Config{}).Stats(t.Context())
	if err != nil || stats.Counts[later.StatusCompleted] != int64(report.Counts[later.StatusCompleted]) {
		t.Errorf("the store that was played on: %+v, %v", stats, err)
	}
}

func TestBrokenPromiseIsAnError(t *testing.T) {
	var out bytes.Buffer
	_, err := Run(t.Context(), Options{Headless: true, For: time.Millisecond, Out: &out})
	if err == nil || !strings.Contains(err.Error(), "promised") {
		t.Errorf("after a millisecond: %v", err)
	}
}
