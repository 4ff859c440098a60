package dashboard

import (
	"testing"
	"time"
)

func TestRulesInWords(t *testing.T) {
	for rule, want := range map[string]string{
		"0 9 * * MON-FRI": "Weekdays at 09:00 Europe/Berlin", "30 2 * * *": "Daily at 02:30 Europe/Berlin", "@daily": "Daily at 00:00 Europe/Berlin",
		"@every 5m0s": "Every 5 minutes", "@every 36h0m0s": "Every 36 hours", "@every 1h30m0s": "Every 90 minutes", "@every 24h0m0s": "Every day",
		"*/15 * * * *": "Every 15 minutes", "* * * * *": "Every minute", "@hourly": "Every hour", "5 * * * *": "Every hour at minute 5",
		"0 8,12,18 * * *": "Daily at 08:00, 12:00 and 18:00 Europe/Berlin", "0 0 1 * *": "On day 1 of each month at 00:00 Europe/Berlin",
		"0 0 L * *": "On the last day of each month at 00:00 Europe/Berlin", "@yearly": "Yearly on January 1 at 00:00 Europe/Berlin",
		"0 9 * * 1,4": "Mondays and Thursdays at 09:00 Europe/Berlin", "*/5 * * * 1-5": "Every 5 minutes, weekdays",
		"0 9 1 * 1": "", "0 9-17 * * *": "", "x": "", "": "", "15 0 9 * * *": "", "0 0 9 * * 6": "Saturdays at 09:00 Europe/Berlin",
	} {
		if got := inWords(rule, "Europe/Berlin"); got != want {
			t.Errorf("%q: %q, want %q", rule, got, want)
		}
	}
}

// TestNotesOnClockChanges: of the two nights in which a zone changes them.
func TestNotesOnClockChanges(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]string{
		time.Date(2027, 3, 28, 3, 0, 0, 0, berlin):     "the clocks have just gone forward",
		time.Date(2027, 3, 28, 1, 30, 0, 0, berlin):    "the clocks go forward within the hour",
		time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC): "this hour comes twice; it runs the first time",
		time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC): "the clocks have just gone back",
		time.Date(2026, 10, 24, 2, 30, 0, 0, berlin):   "",
	} {
		if got := withNotes([]time.Time{at}, "Europe/Berlin")[0].Note; got != want {
			t.Errorf("%v: %q, want %q", at, got, want)
		}
	}
}
