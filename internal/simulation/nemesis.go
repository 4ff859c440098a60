package simulation

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

// injectFault does one of the things that the plan allows, now and then.
func (w *world) injectFault() {
	if w.quiet {
		return
	}
	w.after(w.upTo(2*w.plan.calm()), w.injectFault)
	var possible []func()
	for _, f := range []struct {
		on    bool
		fault func()
	}{
		{w.plan.crashes, w.crashSome}, {w.plan.freezes, w.freezeSome}, {w.plan.stops, w.stopSome},
		{w.plan.outages, w.beginOutage}, {w.plan.steps, w.stepClock}, {w.plan.rollbacks, w.rollBack},
		{w.plan.spurious, w.wakeForNothing}, {w.plan.configures, w.configureSome},
	} {
		if f.on {
			possible = append(possible, f.fault)
		}
	}
	if len(possible) == 0 {
		return
	}
	w.faults++
	possible[w.random.IntN(len(possible))]()
}

// strikeAt lets a process crash, freeze or stop in the very moment of a call, most
// often of one that moves jobs.
func (w *world) strikeAt(op *operation) {
	p, often := op.by, 0.001
	switch op.verb {
	case "Finish", "Claim", "Join", "Leave", "Recover":
		often = 0.01
	}
	if w.quiet || p == w.people || p.state >= gone || p.frozen || !w.chance(often) {
		return
	}
	happen := []func(){}
	if w.plan.crashes {
		happen = append(happen, func() { w.crash(p, "killed at "+op.verb) })
	}
	if w.plan.freezes {
		happen = append(happen, func() { w.freeze(p, w.freezeTime()) })
	}
	if w.plan.stops && p.state == up {
		happen = append(happen, func() { w.stopProcess(p) })
	}
	if len(happen) > 0 {
		w.faults++
		happen[w.random.IntN(len(happen))]()
	}
}

// some draws a process that fits; nil if there is none.
func (w *world) some(fits func(*process) bool) *process {
	var found []*process
	for _, p := range w.processes {
		if fits(p) {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[w.random.IntN(len(found))]
}

func isUp(p *process) bool { return p.state == up && !p.frozen }

func (w *world) crashSome() {
	alive := func(p *process) bool { return p.state < gone }
	if p := w.some(alive); p != nil {
		w.crash(p, "killed")
	}
}

func (w *world) freezeSome() {
	awake := func(p *process) bool { return p.state < gone && !p.frozen }
	if p := w.some(awake); p != nil {
		w.freeze(p, w.freezeTime())
	}
}

// freezeTime is a tenth of the time-to-die, up to twenty times.
func (w *world) freezeTime() time.Duration {
	tenths := []int64{1, 2, 5, 9, 11, 15, 30, 60, 200}
	return time.Duration(tenths[w.random.IntN(len(tenths))])*w.plan.timeToDie/10 + w.upTo(time.Second)
}

func (w *world) stopSome() {
	if p := w.some(isUp); p != nil {
		w.stopProcess(p)
	}
}

// beginOutage takes the store away from everybody, for up to four times the
// time-to-die.
func (w *world) beginOutage() {
	if w.out {
		return
	}
	d := w.upTo(4 * w.plan.timeToDie)
	w.history.add("store", "is down for %v", d)
	w.out, w.backAt = true, time.Now().Add(d)
	w.after(d, func() {
		w.history.add("store", "is back")
		w.out = false
	})
}

func (w *world) stepClock() {
	by := time.Duration(w.random.IntN(3)-1) * time.Hour
	if p := w.some(isUp); p != nil {
		w.setClock(p, w.clock()+by+w.upTo(time.Second))
	}
}

func (w *world) setClock(p *process, offset time.Duration) {
	w.history.add(p.name, "has its clock at %v", offset)
	w.mu.Lock()
	defer w.mu.Unlock()
	p.offset = offset
}

// rollBack is a failover to a standby that lags behind by some seconds.
func (w *world) rollBack() {
	back := 1 + w.random.IntN(10)
	if back > len(w.snapshots) {
		return
	}
	w.history.add("store", "is what it was %d s ago", back)
	w.truth.Rollback(w.snapshots[len(w.snapshots)-back])
	w.snapshots = w.snapshots[:len(w.snapshots)-back]
	w.checker.rolledBack()
}

// proved adds the processes whose death the store itself can prove, as a lock in
// the file system of one host does.
func (w *world) proved(silent []store.Silent) []store.Silent {
	if !w.plan.proofs {
		return silent
	}
	known, err := w.truth.Processes(context.Background())
	if err != nil {
		return silent
	}
	for _, k := range known {
		if p := w.checker.alive[k.ID]; p != nil && p.state == crashed {
			silent = append(silent, store.Silent{ProcessID: k.ID, Beat: k.Beat})
		}
	}
	return silent
}

func (w *world) wakeForNothing() {
	if p := w.some(isUp); p != nil {
		w.history.add(p.name, "is woken for nothing")
		p.wake(store.Wake{Work: true, Cancels: true, Finished: true})
	}
}

func (w *world) configureSome() {
	if p := w.some(isUp); p != nil {
		settings := w.plan.settings(w, p.number)
		w.history.add(p.name, "is configured: queues %v, %d slots", settings.Queues, settings.Concurrency)
		p.engine.Configure(settings)
	}
}

// calmDown ends all faults, but for an outage, which ends by itself: the frozen wake,
// clocks agree, queues are resumed, and every process performs everything.
func (w *world) calmDown() {
	w.history.add("world", "is calm from now on")
	w.quiet = true
	for _, p := range w.processes {
		w.thaw(p)
		if p.state < gone {
			w.setClock(p, w.clock())
			p.engine.Configure(w.plan.settings(w, p.number))
		}
	}
	w.setClock(w.people, w.clock())
	w.checker.schedulesAtCalm()
	w.after(3*w.plan.timeToDie, w.resumeAll)
	w.after(max(0, time.Until(w.backAt))+3*w.plan.timeToDie, w.stopSchedules) // once they have gone on
	w.after(w.patience(), w.giveUp)
}

// patience is how long everything may take to end once nothing fails.
func (w *world) patience() time.Duration { return 30 * time.Minute }

func (w *world) giveUp() {
	for _, id := range w.checker.ids {
		if row := w.checker.rows[id]; !row.Status.Finished() {
			w.checker.violate("I6", "job %d is %s %v after the last fault", id, row.Status, w.patience())
		}
	}
	w.checker.unfinished = 0
}
