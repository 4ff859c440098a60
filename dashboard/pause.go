package dashboard

import (
	"slices"
	"strings"
)

// pauseOrResume does what a form says to one queue, or to all.
func (b *board) pauseOrResume(v *view, name string) (string, error) {
	if err := v.need(Pause); err != nil {
		return "", err
	}
	form, ctx := v.request.PostForm, v.request.Context()
	queue, reason := form.Get("queue"), strings.TrimSpace(form.Get("reason"))
	if form.Get("every") == "yes" {
		return b.pauseOrResumeAll(v, name, reason)
	}
	if name == "resume" {
		return "Queue " + queue + " goes on.", b.queue.Resume(ctx, queue)
	}
	return "Queue " + queue + " is paused. Jobs that run are not disturbed.", b.queue.Pause(ctx, queue, reason)
}

// pauseOrResumeAll goes through the queues one by one. Those that are paused already keep
// their reason.
func (b *board) pauseOrResumeAll(v *view, name, reason string) (string, error) {
	ctx := v.request.Context()
	names, paused, err := b.knownQueues(v)
	if err != nil {
		return "", err
	}
	done := 0
	for _, queue := range names {
		if slices.Contains(paused, queue) != (name == "resume") {
			continue
		}
		if name == "resume" {
			err = b.queue.Resume(ctx, queue)
		} else {
			err = b.queue.Pause(ctx, queue, reason)
		}
		if err != nil {
			return "", err
		}
		done++
	}
	switch {
	case done == 0:
		return "Nothing was changed.", nil
	case name == "resume":
		return plural(int64(done), "queue goes", "queues go") + " on.", nil
	}
	return plural(int64(done), "queue is", "queues are") + " paused. Jobs that run are not disturbed.", nil
}

// knownQueues are the queues that have jobs, that a process serves, or that a type is for,
// and those of them that are paused.
func (b *board) knownQueues(v *view) (names, paused []string, err error) {
	ctx := v.request.Context()
	stats, err := b.queue.Stats(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, q := range stats.Queues {
		if names = append(names, q.Name); !q.PausedAt.IsZero() {
			paused = append(paused, q.Name)
		}
	}
	processes, err := b.queue.Processes(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range processes {
		for name := range p.Queues {
			names = append(names, name)
		}
	}
	types, err := b.queue.KnownTypes(ctx)
	for _, t := range types {
		names = append(names, t.Queue)
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
	return names, paused, err
}
