package cron

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const layout = "2006-01-02 15:04:05 -0700"

func TestNext(t *testing.T) {
	for _, c := range []struct{ expression, zone, after, next string }{
		{"0 2 * * *", "UTC", "2026-01-01 02:00:00 +0000", "2026-01-02 02:00:00 +0000"},
		{"0 2 * * *", "UTC", "2026-01-01 01:59:59 +0000", "2026-01-01 02:00:00 +0000"},
		{"*/15 * * * *", "", "2026-01-01 23:45:00 +0000", "2026-01-02 00:00:00 +0000"},
		{"5/20 * * * *", "UTC", "2026-01-01 00:25:00 +0000", "2026-01-01 00:45:00 +0000"},
		{"*/10 * * * * *", "UTC", "2026-01-01 00:00:50 +0000", "2026-01-01 00:01:00 +0000"},
		{"59 59 23 31 12 *", "UTC", "2026-01-01 00:00:00 +0000", "2026-12-31 23:59:59 +0000"},
		{"0 9 * * mon-Fri", "UTC", "2026-11-27 09:00:00 +0000", "2026-11-30 09:00:00 +0000"},
		{"0 9 * * SAT-SUN", "UTC", "2026-11-28 09:00:00 +0000", "2026-11-29 09:00:00 +0000"},
		{"0 9 * * 7", "UTC", "2026-11-27 09:00:00 +0000", "2026-11-29 09:00:00 +0000"},
		{"0 9 * * 5-7/2", "UTC", "2026-11-27 09:00:00 +0000", "2026-11-29 09:00:00 +0000"},
		{"0 0 1 JAN,jul ?", "UTC", "2026-01-01 00:00:00 +0000", "2026-07-01 00:00:00 +0000"},
		{"0 0 29 2 *", "UTC", "2096-02-29 00:00:00 +0000", "2104-02-29 00:00:00 +0000"},
		{"0 0 L * *", "UTC", "2028-01-31 00:00:00 +0000", "2028-02-29 00:00:00 +0000"},
		{"0 0 * * FRIL", "UTC", "2026-11-01 00:00:00 +0000", "2026-11-27 00:00:00 +0000"},
		{"0 0 * * MON#5", "UTC", "2026-11-01 00:00:00 +0000", "2026-11-30 00:00:00 +0000"},
		{"@yearly", "UTC", "2026-01-01 00:00:00 +0000", "2027-01-01 00:00:00 +0000"},
		{"@Annually", "UTC", "2026-01-01 00:00:00 +0000", "2027-01-01 00:00:00 +0000"},
		{"@monthly", "UTC", "2026-01-01 00:00:00 +0000", "2026-02-01 00:00:00 +0000"},
		{"@weekly", "UTC", "2026-11-27 00:00:00 +0000", "2026-11-29 00:00:00 +0000"},
		{"@daily", "UTC", "2026-11-27 00:00:00 +0000", "2026-11-28 00:00:00 +0000"},
		{"@midnight", "UTC", "2026-11-27 00:00:00 +0000", "2026-11-28 00:00:00 +0000"},
		{"@hourly", "Asia/Kathmandu", "2026-11-27 06:00:00 +0545", "2026-11-27 07:00:00 +0545"},
		{"@every 1h30m", "UTC", "1970-01-01 00:00:00 +0000", "1970-01-01 01:30:00 +0000"},
		{"@every 7d", "UTC", "2026-11-27 00:00:00 +0000", "2026-12-03 00:00:00 +0000"}, // Thursdays, as the epoch was
		{"@every 1h", "UTC", "1969-12-31 22:30:00 +0000", "1969-12-31 23:00:00 +0000"},

		// Two fields for the day: either, if both are restricted; both, if one has a star.
		{"0 0 13 * 5", "UTC", "2026-11-13 00:00:00 +0000", "2026-11-20 00:00:00 +0000"},
		{"0 0 */2 * 1", "UTC", "2026-11-01 00:00:00 +0000", "2026-11-09 00:00:00 +0000"},

		// What the clocks skip is due after the gap.
		{"30 2 * * *", "America/New_York", "2026-03-08 00:00:00 -0500", "2026-03-08 03:00:00 -0400"},
		{"*/15 2 * * *", "Europe/Berlin", "2026-03-29 00:00:00 +0100", "2026-03-29 03:00:00 +0200"},
		{"0 0 * * *", "Africa/Cairo", "2026-04-23 12:00:00 +0200", "2026-04-24 01:00:00 +0300"},
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00:00 +1030", "2026-10-04 02:30:00 +1100"},
		{"0 12 30 12 *", "Pacific/Apia", "2011-12-29 12:00:00 -1000", "2011-12-31 00:00:00 +1400"},
		{"5 * * * *", "Europe/Berlin", "2026-03-29 01:05:00 +0100", "2026-03-29 03:05:00 +0200"},
		// What they show twice is due once, or goes on by real time.
		{"30 1 * * *", "America/New_York", "2026-11-01 01:30:00 -0400", "2026-11-02 01:30:00 -0500"},
		{"*/15 * * * *", "Europe/Berlin", "2026-10-25 02:45:00 +0200", "2026-10-25 02:00:00 +0100"},
		{"0 * * * *", "America/New_York", "2026-11-01 01:00:00 -0400", "2026-11-01 01:00:00 -0500"},
		{"0 */2 * * *", "Europe/Berlin", "2026-10-25 02:00:00 +0200", "2026-10-25 02:00:00 +0100"},
	} {
		rule, err := Parse(c.expression, c.zone, time.Time{})
		if err != nil {
			t.Error(err)
			continue
		}
		after, err := time.Parse(layout, c.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := rule.Next(after).Format(layout); got != c.next {
			t.Errorf("%s %s: after %s comes %s, want %s", c.expression, c.zone, c.after, got, c.next)
		}
	}
}

func TestStart(t *testing.T) {
	start := time.Date(2026, 3, 4, 5, 6, 7, 8_000, time.UTC)
	every, err := Every(48*time.Hour, start)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ after, next time.Time }{
		{start.AddDate(-500, 0, 0), start}, {start.Add(-1), start}, {start, start.AddDate(0, 0, 2)},
		{start.AddDate(0, 0, 3), start.AddDate(0, 0, 4)}, {start.AddDate(0, 0, 48*365), start.AddDate(0, 0, 48*365+2)},
	} {
		if got := every.Next(c.after); !got.Equal(c.next) {
			t.Errorf("every two days: after %v comes %v, want %v", c.after, got, c.next)
		}
	}
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	daily, err := Parse("0 12 * * *", "UTC", noon)
	if err != nil {
		t.Fatal(err)
	}
	if got := daily.Next(time.Time{}); !got.Equal(noon) {
		t.Errorf("the first is %v, want the start itself, %v", got, noon)
	}
	if got := daily.Next(noon); !got.Equal(noon.AddDate(0, 0, 1)) {
		t.Errorf("the second is %v", got)
	}
}

func TestTheEndOfTime(t *testing.T) {
	for _, expression := range []string{"* * * * *", "0 0 29 2 *", "@every 1s"} {
		rule, err := Parse(expression, "America/New_York", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if got := rule.Next(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)); !got.IsZero() {
			t.Errorf("%s: %v", expression, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ expression, zone, says string }{
		{"", "", "empty"}, {"   ", "", "empty"}, {"* * * *", "", "4 fields"}, {"* * * * * * *", "", "7 fields"},
		{"0 25 * * *", "", "hour 25 is outside 0–23"}, {"60 * * * *", "", "minute 60 is outside 0–59"},
		{"0 0 0 * *", "", "day of month 0 is outside 1–31"}, {"0 0 * 13 *", "", "month 13"}, {"0 0 * * 8", "", "day of week 8"},
		{"61 * 32 * * *", "", "hour 32"}, {"61 * 32 * * *", "", "second 61"}, // all mistakes at once
		{"* * * FOO *", "", "neither a number nor one of JAN"}, {"a * * * *", "", `minute "a" is not a number`},
		{"1, * * * *", "", `minute "" is not a number`}, {"+1 * * * *", "", "not a number"}, {"-1 * * * *", "", "not a number"},
		{"5-1 * * * *", "", "5-59,0-1"}, {"0 0 * * FRI-MON", "", "FRI-6,0-MON"}, {"1--100000000 * * * *", "", "not a number"},
		{"*/0 * * * *", "", "step"}, {"*/90 * * * *", "", "step of 90"}, {"*/x * * * *", "", "step"}, {"1/99999999999999999999 * * * *", "", "step"},
		{"? * * * *", "", "not a number"}, {"* * * * MON#6", "", "#1 to #5"}, {"* * 15W * *", "", "15W"}, {"* * * * LL", "", "day of week"},
		{"@reboot", "", "@hourly"}, {"@daily @daily", "", "@hourly"}, {"@every", "", "not an interval"}, {"@every 1ms", "", "below a second"},
		{"@every 9999999d", "", "not an interval"}, {"@every 1.0005s", "", "milliseconds"}, {"@every -1h", "", "not an interval"},
		{"TZ=Europe/Berlin 0 0 * * *", "", "argument of its own"}, {"TZ=", "", "argument of its own"},
		{"0 0 * * *", "Europe/Atlantis", "not known"}, {"0 0 * * *", "Local", "no place"}, {"0 0 * * *", "../etc/passwd", "not known"},
		{strings.Repeat("1,", 5000) + "1 * * * *", "", "at most 512"}, {"\xff * * * *", "", "UTF-8"}, {"0\x00 * * * *", "", "not a number"},
	} {
		_, err := Parse(c.expression, c.zone, time.Time{})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.60q in %q: %v, want an error that says %q", c.expression, c.zone, err, c.says)
		}
	}
	for _, expression := range []string{"0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 */31 * MON#2", "0 0 31 2 ?"} {
		if _, err := Parse(expression, "", time.Time{}); !errors.Is(err, ErrNever) {
			t.Errorf("%s: %v, want ErrNever", expression, err)
		}
	}
	for _, expression := range []string{"0 0 31 2 1", "0 0 29 2 *", "0 0 29 2 */7"} {
		if _, err := Parse(expression, "", time.Time{}); err != nil {
			t.Error(err)
		}
	}
}

func TestInterval(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7d": 7 * 24 * time.Hour, "2w": 14 * 24 * time.Hour, "1w2d3h4m5s": 9*24*time.Hour + 3*time.Hour + 4*time.Minute + 5*time.Second,
		"1h": time.Hour, "90s": 90 * time.Second, "1.5h": 90 * time.Minute, " 1d ": 24 * time.Hour,
	} {
		if got, err := Interval(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "7", "-7d", "1d-1h", "1d2w", "7 d", "1e9d", "106752d", "x", "1d\x00"} {
		if got, err := Interval(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzNext(f *testing.F) {
	zones := strings.Fields("UTC Europe/Berlin America/New_York Australia/Lord_Howe Africa/Cairo Pacific/Apia America/Sao_Paulo Africa/Monrovia")
	for i, expression := range append(oracleRules, "@every 1h", "*/7 1-5/2 * * * *", "0 0 29 2 *", "@daily", "0 0 30 2 *") {
		f.Add(expression, i, int64(1_774_742_400)) // a night before Berlin's clocks go forward
	}
	f.Fuzz(func(t *testing.T, expression string, zone int, at int64) {
		name := zones[((zone%len(zones))+len(zones))%len(zones)]
		rule, err := Parse(expression, name, time.Time{})
		if err != nil {
			return
		}
		if again, err := Parse(rule.String(), name, time.Time{}); err != nil || again.String() != rule.String() {
			t.Fatalf("%q is written %q, which reads as %v, %v", expression, rule, again, err)
		}
		from := time.Unix(at%(1<<33), at&0xfffff)
		var next time.Time
		quickest := time.Hour
		for try := 0; try < 5 && quickest > 100*time.Millisecond; try++ { // the machine may stand still
			began := time.Now()
			next = rule.Next(from)
			quickest = min(quickest, time.Since(began))
		}
		if quickest > 100*time.Millisecond {
			t.Errorf("%s: %v for the next", rule, quickest)
		}
		if !next.After(from) {
			t.Errorf("%s: after %v comes %v", rule, from, next)
		}
		if strings.HasPrefix(rule.String(), "@") {
			return
		}
		to := from.Add(4 * time.Hour)
		if len(strings.Fields(rule.String())) == 6 {
			to = from.Add(10 * time.Minute)
		}
		compare(t, rule.String(), name, time.Unix(from.Unix()/60*60, 0), to)
	})
}

func BenchmarkNext(b *testing.B) {
	for _, expression := range []string{"* * * * * *", "*/15 * * * *", "0 2 * * *", "0 0 29 2 *", "0 0 29 2 */7"} {
		b.Run(expression, func(b *testing.B) {
			rule, err := Parse(expression, "Europe/Berlin", time.Time{})
			if err != nil {
				b.Fatal(err)
			}
			at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
			for b.Loop() {
				rule.Next(at)
			}
		})
	}
}
