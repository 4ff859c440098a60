package latercli

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// table prints rows in columns; the first row is the heading. On a terminal it is as
// wide as that at most: the widest columns are cut.
func (a *app) table(rows [][]string) error {
	limit := 0
	if file, ok := terminalOf(a.out); ok {
		limit, _, _ = term.GetSize(int(file.Fd()))
	}
	return a.columns(rows, limit, true)
}

// pairs prints names and values, which may be long and of several lines.
func (a *app) pairs(rows [][]string) error {
	for i := range rows {
		rows[i] = []string{rows[i][0], strings.ReplaceAll(strings.TrimRight(rows[i][1], "\n"), "\n", "\n           ")}
	}
	return a.columns(rows, 0, false)
}

// columns prints rows within a width; 0: any.
func (a *app) columns(rows [][]string, limit int, heading bool) error {
	_, err := fmt.Fprint(a.out, a.layout(rows, limit, heading))
	return err
}

// layout is rows in columns, as lines.
func (a *app) layout(rows [][]string, limit int, heading bool) string {
	var clean [][]string
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		clean = append(clean, cells)
	}
	widths := columnWidths(clean, limit)
	painted := map[int]bool{} // the columns that hold a state
	var lines strings.Builder
	for n, row := range clean {
		var text strings.Builder
		for i, cell := range row {
			if heading && n == 0 {
				painted[i] = cell == "STATUS" || cell == "STATE" || cell == "OUTCOME"
			}
			last := i == len(row)-1
			if limit > 0 {
				cell = cut(cell, widths[i])
			}
			padding := ""
			if !last {
				padding = strings.Repeat(" ", max(0, widths[i]-displayWidth(cell))+2)
			}
			switch {
			case heading && n == 0:
				cell = a.paint(bold, cell)
			case painted[i]:
				cell = a.paint(colourOf(cell), cell)
			}
			text.WriteString(cell + padding)
		}
		lines.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	return lines.String()
}

// columnWidths is how wide each column is, so that all fit. The first one, which names
// the row, is never cut.
func columnWidths(rows [][]string, limit int) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], displayWidth(cell))
		}
	}
	for limit > 0 {
		total, widest := 2*(len(widths)-1), 0
		for i, w := range widths {
			total += w
			if i > 0 && (widest == 0 || w >= widths[widest]) {
				widest = i
			}
		}
		if total <= limit || widest == 0 || widths[widest] <= 4 {
			break
		}
		widths[widest]--
	}
	return widths
}

// displayWidth is how many columns of a terminal a text takes.
func displayWidth(s string) (n int) {
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens a text to a number of columns.
func cut(s string, limit int) string {
	if displayWidth(s) <= limit {
		return s
	}
	n, end := 0, 0
	for i, r := range s {
		if n += runeWidth(r); n > limit-1 {
			end = i
			break
		}
	}
	return s[:end] + "…"
}
