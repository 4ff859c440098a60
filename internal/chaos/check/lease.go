package check

import (
	"slices"
	"sort"
	"time"
)

const (
	// slack is how exact the times of different logs are to each other.
	slack = 100 * time.Millisecond
	// fenceTime is how long after the fence a handler may be told.
	fenceTime = 250*time.Millisecond + slack
)

// fenced: a process that may have lost its lease stops its handlers by itself.
func fenced(h *History, f *Figures) Result {
	r := Result{ID: "I5", Promise: "a process that may have lost its lease stops its handlers in time, unless it was frozen itself"}
	for _, run := range h.Runs {
		r.Checked++
		until := run.authority(h)
		if run.Told > 0 && run.Cause == "lease lost" {
			f.Fenced++
		}
		beats := run.Life.Beats
		renewed := sort.Search(len(beats), func(i int) bool { return beats[i].To > run.Start })
		for i := max(0, renewed-1); i < len(beats) && beats[i].From <= until; i++ {
			beat, next := beats[i], int64(1<<62)
			if i+1 < len(beats) {
				next = beats[i+1].To
			}
			fence := beat.From + int64(h.Params.fence())
			if fence < run.Start {
				if fence+int64(slack) < run.Start && next > run.Start && h.awake(run.Life, fence)+int64(slack) < run.Start {
					r.violated("%s began job %d %s after its last accepted heartbeat was sent (time to die %v)",
						run.Life.Name, run.Job, seconds(run.Start-beat.From), h.Params.TimeToDie)
				}
				continue
			}
			if fence+int64(fenceTime) >= min(next, until) {
				continue
			}
			if h.awake(run.Life, fence)+int64(fenceTime) < min(next, until) {
				r.violated("%s went on with job %d until %s after its last accepted heartbeat was sent (time to die %v)",
					run.Life.Name, run.Job, seconds(until-beat.From), h.Params.TimeToDie)
			}
		}
	}
	return r
}

// fence is how long after the last accepted beat a process stops itself: see the
// engine's fence.
func (p Params) fence() time.Duration {
	return p.TimeToDie - min(2*time.Second, p.TimeToDie/4)
}

// authority is until when the handler worked as if the job were its own.
func (r *Run) authority(h *History) int64 {
	until := r.Life.Died
	if r.End > 0 {
		until = min(until, r.End)
	}
	if r.Told > 0 {
		until = min(until, r.Told)
	}
	return until
}

// awake is the first moment from at on when the process was neither frozen nor
// without a processor.
func (h *History) awake(l *Life, at int64) int64 {
	for moved := true; moved; {
		moved = false
		for _, s := range h.asleep(l) {
			if s.From <= at+int64(fenceTime) && at < s.To {
				at, moved = s.To, true
			}
		}
	}
	return at
}

func (h *History) asleep(l *Life) []Span {
	spans := slices.Clone(l.Stalls)
	for _, f := range h.faultsAt[l.Name] {
		if f.Kind == "freeze" {
			spans = append(spans, Span{f.From, f.To})
		}
	}
	return spans
}

// overlaps: two handlers of one job at once, the first one unaware, need a first
// process that was asleep.
func overlaps(h *History, f *Figures) Result {
	r := Result{ID: "I5b", Promise: "two handlers of one job at once only where the first process was frozen"}
	of := map[int64][]*Run{}
	for _, run := range h.Runs {
		of[run.Job] = append(of[run.Job], run)
	}
	for job, runs := range of {
		slices.SortFunc(runs, func(a, b *Run) int { return int(a.Start - b.Start) })
		for i := 1; i < len(runs); i++ {
			r.Checked++
			first, second := runs[i-1], runs[i]
			if first.authority(h) <= second.Start {
				continue
			}
			from := second.Start - int64(h.Params.TimeToDie) - int64(slack)
			if meet(h.asleep(first.Life), from, second.Start) {
				f.Overlaps["asleep"]++
				continue
			}
			r.violated("%s and %s worked on job %d at once for %s", first.Life.Name, second.Life.Name, job,
				seconds(first.authority(h)-second.Start))
		}
	}
	return r
}

// deathsAreReal: a job is taken from its process only if that has died or was out of
// reach by itself. What everyone suffers, such as an outage of the database, kills
// nobody.
func deathsAreReal(h *History) Result {
	r := Result{ID: "I8b", Promise: "an outage of the whole database reaps nobody; only the dead and the unreachable lose jobs"}
	told := map[int64]bool{}
	h.joins(&r)
	for _, moves := range h.movesOf {
		for i, m := range moves {
			if i == 0 || moves[i-1].Place != Claimed || m.Crashes == moves[i-1].Crashes {
				continue
			}
			r.Checked++
			life := h.lifeOf[moves[i-1].Process]
			from := m.At - int64(h.Params.TimeToDie+h.Params.TimeToDie/2+time.Second)
			switch {
			case life == nil:
				r.violated("job %d was taken from process %d, which never said that it joined", m.Job, moves[i-1].Process)
				continue
			case life.gone(m.At + int64(slack)):
				continue
			}
			if _, alone := h.own(life, from, m.At, h.Params.TimeToDie/4); alone || told[moves[i-1].Process] {
				continue
			}
			told[moves[i-1].Process] = true
			why := "nothing was wrong"
			if f, all := h.shared(from, m.At); all {
				why = "everyone suffered from: " + f.Kind
			}
			r.violated("%s lives and was declared dead at %s; job %d was taken from it; %s", life.Name, seconds(m.At), m.Job, why)
		}
	}
	return r
}

// joins: a process joins again only when it has been declared dead.
func (h *History) joins(r *Result) {
	for _, l := range h.Lives {
		for i := 1; i < len(l.Joined); i++ {
			r.Checked++
			lead := int64(2*h.Params.TimeToDie + time.Second)
			from := l.Joined[i] - lead
			if f, all := h.shared(from, l.Joined[i]); all {
				from = min(from, f.From-lead) // it may have been dead before, and could not be told
			}
			if _, alone := h.own(l, from, l.Joined[i], h.Params.TimeToDie/4); !alone {
				r.violated("%s was declared dead before %s, and nothing was wrong with it alone", l.Name, seconds(l.Joined[i]))
			}
		}
	}
}
