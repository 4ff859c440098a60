package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestNumber(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0.00", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 1234.5: "1,235", 1234567: "1,234,567", -1234: "-1,234", -123: "-123",
	} {
		if got := number(f); got != want {
			t.Errorf("number(%v) = %s, want %s", f, got, want)
		}
	}
}

func TestPercentileAndMean(t *testing.T) {
	var d durations
	for i := 100; i >= 0; i-- {
		d = append(d, time.Duration(i))
	}
	if p50, p99 := d.percentile(0.50), d.percentile(0.99); p50 != 50 || p99 != 99 {
		t.Errorf("p50 %d, p99 %d", p50, p99)
	}
	if d.mean() != 50 {
		t.Errorf("mean %d", d.mean())
	}
	if none := (durations{}); none.percentile(0.5) != 0 || none.mean() != 0 {
		t.Error("no durations have a percentile or a mean")
	}
}

// A ratio is that of the cells of one round, and above 1 where the first is better.
func TestRatiosAreByRound(t *testing.T) {
	r := &results{names: []string{"a", "b"}}
	for round, figures := range [][2]float64{{20, 10}, {10, 2}, {5, 5}} {
		for i, name := range r.names {
			c := &cell{Measure: "drain", System: name, Round: round + 1}
			c.add("", figures[i], "jobs/s", more)
			c.add("peak memory", figures[i], "MiB", less)
			r.Cells = append(r.Cells, c)
		}
	}
	rows := r.rows()
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	want := []string{
		"drain, 1 process | jobs/s | 10.0 (5.00–20.0) | 5.00 (2.00–10.0) | 2.00 (1.00–5.00) | 0.00 | –",
		"drain, 1 process: peak memory | MiB | 10.0 (5.00–20.0) | 5.00 (2.00–10.0) | 0.50 (0.20–1.00) | 0.00 | –",
	}
	for i, row := range rows {
		if got := strings.Join(row.columns(r.names), " | "); got != want[i] {
			t.Errorf("row %d:\n%s, want\n%s", i, got, want[i])
		}
	}
}

func TestASystemWithoutFiguresHasADash(t *testing.T) {
	r := &results{names: []string{"a", "b"}}
	c := &cell{Measure: "pinned", System: "b", Round: 1}
	c.add("", 3, "jobs", less)
	r.Cells = []*cell{c}
	if got := strings.Join(r.rows()[0].columns(r.names), " | "); !strings.Contains(got, "jobs | – | 3.00 | – |") {
		t.Error(got)
	}
}

// What goes wrong when a system is stopped takes none of its figures away, and is told.
func TestTroubleAfterwards(t *testing.T) {
	c := &cell{Measure: "pinned", System: "a", Round: 1}
	c.add("", 10, "jobs/s", more)
	c.ended(nil)
	c.ended(errors.New("leave: context canceled\nand more"))
	c.ended(errors.New("a later one"))
	r := &results{names: []string{"a"}, Cells: []*cell{c}}
	var text strings.Builder
	r.print(&text)
	for _, want := range []string{"| pinned horizon | jobs/s | 10.0 |", "Measured, but afterwards: pinned of a, round 1: leave: context canceled\n"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q is not in\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "more\n") || strings.Contains(text.String(), "a later one") {
		t.Errorf("more than the first line of the first error:\n%s", text.String())
	}
}
