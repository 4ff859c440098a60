// Package nearest finds the name that a mistyped one probably stands for.
package nearest

import "strings"

// Name finds the name that was probably meant; empty if none is close.
func Name(name string, names []string) string {
	best, bestDistance := "", max(2, len(name)/3)+1
	if len(name) < 4 {
		bestDistance = 2 // nearly every word is near to so short a one
	}
	for _, candidate := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is how many bytes must be inserted, deleted, changed or swapped with their
// neighbour to get from one string to the other.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before, last, row = last, row, before
		row[0] = i + 1
		for j := range len(b) {
			changed := last[j]
			if a[i] != b[j] {
				changed++
			}
			row[j+1] = min(changed, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(b)]
}
