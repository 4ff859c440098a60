package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// results are a whole run.
type results struct {
	Machine string  `json:"machine"`
	Server  string  `json:"server"`
	Systems []about `json:"systems"`
	Options options `json:"options"`
	Cells   []*cell `json:"cells"`
	// Failures are the cells of other systems that could not be measured.
	Failures []string `json:"failures,omitempty"`

	names []string // of the systems, the first is compared with the others
}

type about struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Settings string `json:"settings"`
}

func (r *results) write(path string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func (r *results) writeMarkdown(path string) error {
	var text bytes.Buffer
	r.print(&text)
	return os.WriteFile(path, text.Bytes(), 0o644)
}

// print writes the Markdown.
func (r *results) print(to io.Writer) {
	fmt.Fprintf(to, "%s  \n%s\n\n", r.Machine, r.Server)
	for _, a := range r.Systems {
		fmt.Fprintf(to, "* **%s**: %s; settings: %s\n", a.Name, a.Version, a.Settings)
	}
	fmt.Fprintf(to, "\n%d jobs, %d rounds. Median (least–most). ×: how many times better %s is, the median of the "+
		"rounds;\nbelow 1 it is worse. Steal and others: cores lost to the host and used by other programs, the worst cell.\n\n",
		r.Options.Jobs, r.Options.Rounds, r.names[0])
	r.printTable(to)
	for _, failure := range r.Failures {
		fmt.Fprintf(to, "\nNot measured: %s\n", failure)
	}
	for _, c := range r.Cells {
		if c.Trouble != "" {
			fmt.Fprintf(to, "\nMeasured, but afterwards: %s of %s, round %d: %s\n", c.Measure, c.System, c.Round, c.Trouble)
		}
	}
}

func (r *results) printTable(to io.Writer) {
	head := []string{"measure", "unit"}
	head = append(head, r.names...)
	for _, other := range r.names[1:] {
		head = append(head, "× "+other)
	}
	head = append(head, "steal", "others")
	printRow(to, head)
	rule := []string{"---", "---"}
	for range head[2:] {
		rule = append(rule, "---:")
	}
	printRow(to, rule)
	for _, row := range r.rows() {
		printRow(to, row.columns(r.names))
	}
}

func printRow(to io.Writer, columns []string) {
	fmt.Fprintf(to, "| %s |\n", strings.Join(columns, " | "))
}

// row is one figure of one measure, by system and round.
type row struct {
	title   string
	value   value
	figures map[string]map[int]float64
	steal   float64
	foreign *float64
}

// rows groups the cells, in the order in which they came.
func (r *results) rows() []*row {
	var rows []*row
	for _, c := range r.Cells {
		for _, v := range c.Values {
			title := c.title(v)
			i := slices.IndexFunc(rows, func(have *row) bool { return have.title == title })
			if i < 0 {
				i = len(rows)
				rows = append(rows, &row{title: title, value: v, figures: map[string]map[int]float64{}})
			}
			rows[i].add(c, v)
		}
	}
	return rows
}

func (c *cell) title(v value) string {
	i := slices.IndexFunc(measures, func(m measure) bool { return m.name == c.Measure })
	if v.Name == "" {
		return measures[i].title
	}
	return measures[i].title + ": " + v.Name
}

func (r *row) add(c *cell, v value) {
	if r.figures[c.System] == nil {
		r.figures[c.System] = map[int]float64{}
	}
	r.figures[c.System][c.Round] = v.Value
	r.steal = max(r.steal, c.Steal)
	if c.Foreign != nil && (r.foreign == nil || *c.Foreign > *r.foreign) {
		r.foreign = c.Foreign
	}
}

func (r *row) columns(systems []string) []string {
	columns := []string{r.title, r.value.Unit}
	for _, name := range systems {
		columns = append(columns, spread(r.figures[name]))
	}
	for _, other := range systems[1:] {
		columns = append(columns, r.ratio(systems[0], other))
	}
	others := "–"
	if r.foreign != nil {
		others = fmt.Sprintf("%.2f", *r.foreign)
	}
	return append(columns, fmt.Sprintf("%.2f", r.steal), others)
}

func spread(rounds map[int]float64) string {
	figures := valuesOf(rounds)
	switch len(figures) {
	case 0:
		return "–"
	case 1:
		return number(figures[0])
	}
	return fmt.Sprintf("%s (%s–%s)", number(median(figures)), number(figures[0]), number(figures[len(figures)-1]))
}

// ratio compares within each round, whose cells were measured one after the other.
func (r *row) ratio(first, other string) string {
	ratios := map[int]float64{}
	for round, figure := range r.figures[first] {
		against, both := r.figures[other][round]
		if !both || figure <= 0 || against <= 0 {
			continue
		}
		ratios[round] = figure / against
		if r.value.Better == less {
			ratios[round] = against / figure
		}
	}
	return spread(ratios)
}

// valuesOf returns the figures of all rounds, sorted.
func valuesOf(rounds map[int]float64) []float64 {
	var figures []float64
	for _, figure := range rounds {
		figures = append(figures, figure)
	}
	slices.Sort(figures)
	return figures
}

func median(sorted []float64) float64 {
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// number shows three digits that count, or all of an integer's.
func number(f float64) string {
	if math.Abs(f) >= 100 {
		return grouped(int64(math.Round(f)))
	}
	decimals := 2
	if math.Abs(f) >= 10 {
		decimals = 1
	}
	return strconv.FormatFloat(f, 'f', decimals, 64)
}

func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
