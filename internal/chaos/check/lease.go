package check

import (
	"slices"
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
		for i, beat := range run.Life.Beats {
			fence := beat.From + int64(h.Params.fence())
			next := int64(1 << 62)
			if i+1 < len(run.Life.Beats) {
				next = run.Life.Beats[i+1].To
			}
			if next <= run.Start || fence < run.Start {
				continue // the lease was renewed before, or the fence was there before
			}
			if beat.From > until {
				break
			}
			deadline := h.awake(run.Life, fence) + int64(fenceTime)
			if deadline < next && deadline < until {
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
			case life.Died <= m.At+int64(slack):
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
