package main

import (
	"slices"
	"time"
)

type durations []time.Duration

// percentile returns the duration that part of all are not above, 0 of none.
func (d durations) percentile(part float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[int(part*float64(len(sorted)-1))]
}

func (d durations) mean() time.Duration {
	if len(d) == 0 {
		return 0
	}
	var sum time.Duration
	for _, one := range d {
		sum += one
	}
	return sum / time.Duration(len(d))
}
