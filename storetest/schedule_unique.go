package storetest

import (
	"time"

	"github.com/laterjobs/later/store"
)

// uniqueSchedule is a schedule whose job has a unique key.
func uniqueSchedule(name, key string, way store.OnConflict) store.Schedule {
	s := aSchedule(name)
	s.Definition.Job.OnConflict = way
	s.Definition.Job.Options = &store.Options{Unique: &store.Unique{Key: key, Scope: store.UniqueUntilDone}}
	return s
}

// tickUnique takes a step of a schedule at dueAt and at further instants of the next hours.
func (t *trial) tickUnique(name string, instants int) store.Ticked {
	t.Helper()
	s := t.schedule(name)
	step := stepOf(s)
	for i := range instants {
		job := s.Definition.Job
		options := *job.Options
		options.Schedule, options.Tick = s.Name, dueAt.Add(time.Duration(i)*time.Hour)
		job.Options, job.Priority = &options, 10+i
		step.Jobs = append(step.Jobs, store.TickJob{At: options.Tick, Job: job})
	}
	ticked, err := t.store.Tick(t.Context(), []store.Tick{step}, dueAt, nil)
	t.must("Tick", err)
	return ticked[0]
}

func (t *trial) holderByHand(key string) int64 {
	t.Helper()
	n := plain()
	n.Options = &store.Options{Unique: &store.Unique{Key: key, Scope: store.UniqueUntilDone}}
	return t.enqueue(n)[0]
}

func tickKeeps(t *trial) {
	holder := t.holderByHand("k")
	t.save(uniqueSchedule("nightly", "k", store.ConflictKeep))
	ticked := t.tickUnique("nightly", 2)
	t.equal("jobs", ticked.Jobs, []int64{holder, holder})
	t.equal("holder", ticked.Answers[0].Holder.ID, holder)
	t.equal("replaced", ticked.Answers[0].Replaced, false)
	t.equal("last job", t.schedule("nightly").LastJob, holder)
	t.equal("all jobs", len(t.list(store.Filter{})), 1)
}

func tickReplaces(t *trial) {
	holder := t.holderByHand("k")
	t.save(uniqueSchedule("nightly", "k", store.ConflictReplace))
	ticked := t.tickUnique("nightly", 1)
	t.equal("jobs", ticked.Jobs, []int64{holder})
	t.equal("replaced", ticked.Answers[0].Replaced, true)
	t.equal("priority", t.get(holder).Priority, 10)
}

func tickFails(t *trial) {
	t.save(uniqueSchedule("nightly", "k", store.ConflictFail), aSchedule("other"))
	first := t.tickUnique("nightly", 3)
	t.equal("jobs of the first step", len(first.Jobs), 1)
	t.equal("answers", []bool{first.Answers[0].ID != 0, first.Answers[1].ID != 0, first.Answers[2].ID != 0}, []bool{true, false, false})
	unique, other := stepOf(t.schedule("nightly")), stepOf(t.schedule("other"), dueAt)
	unique.Jobs = []store.TickJob{{At: dueAt.Add(time.Duration(9) * time.Hour), Job: t.schedule("nightly").Definition.Job}}
	ticked, err := t.store.Tick(t.Context(), []store.Tick{unique, other}, dueAt, nil)
	t.must("Tick", err)
	t.equal("accepted", []bool{ticked[0].Accepted, ticked[1].Accepted}, []bool{true, true})
	t.equal("jobs", []int{len(ticked[0].Jobs), len(ticked[1].Jobs)}, []int{0, 1})
	t.equal("last job", t.schedule("nightly").LastJob, first.Jobs[0])
}

func tickTakesKey(t *trial) {
	t.save(uniqueSchedule("nightly", "k", store.ConflictKeep))
	ticked := t.tickUnique("nightly", 1)
	t.equal("holder", t.holderByHand("k"), ticked.Jobs[0])
	job := t.claim(store.Demand{Limit: 1})[0]
	t.accept(outcome(job, store.Complete))
	t.equal("the key is free again", t.holderByHand("k") != ticked.Jobs[0], true)
}
