package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// overlong fills a store with long words and large numbers: pages must bear them.
func overlong(ctx context.Context, on *sqlite.Store, now time.Time) error {
	name := "com.example.accounting.ledger.RecalculateEveryBalanceOfTheFiscalYearJob"
	queue := "eu-central-1.accounting-recalculations-with-a-very-long-name"
	args := json.RawMessage(fmt.Sprintf(`{"account":9007199254740993,"path":%q,"words":%q}`, "/srv/"+strings.Repeat("directory/", 30), strings.Repeat("word ", 60)))
	for i := range 60 {
		job := store.NewJob{Type: name, Queue: queue, Args: args, MaxRetries: 1_000_000, Timeout: 30 * time.Second, Priority: 32_000,
			UserID: strings.Repeat("user", 20), TargetID: strings.Repeat("target/", 12), Tags: []string{strings.Repeat("tag", 15), "vip"}}
		if i%3 == 0 {
			job.Type, job.Queue = "Short", "a"
		}
		if _, err := on.Enqueue(ctx, []store.NewJob{job}, now.Add(-400*24*time.Hour)); err != nil {
			return err
		}
	}
	return nil
}
