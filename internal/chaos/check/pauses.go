package check

import "time"

// begunBefore is how long a claim of a PostgreSQL server may take that had read who is
// paused before a pause was stored. In a file one writes after the other.
const begunBefore = time.Second

// paused: once Pause has returned, nothing of the queue is claimed until somebody asks
// to resume it. What counts as checked is a job that lay in line while its queue was
// paused.
func paused(h *History) Result {
	r := Result{ID: "I19", Promise: "after a pause nothing of the queue is claimed, until it is resumed"}
	pauses := h.pauses()
	for id, moves := range h.movesOf {
		for _, pause := range pauses[h.Jobs[id].Queue] {
			inLine := false
			for i, m := range moves {
				left := int64(1 << 62)
				if i+1 < len(moves) {
					left = moves[i+1].At
				}
				inLine = inLine || m.Place == Ready && pause.meets(m.At, left)
				if m.Place == Claimed && pause.From < m.At && m.At < pause.To {
					r.violated("job %d of queue %s was claimed at %s, while that was paused from %s to %s",
						id, h.Jobs[id].Queue, seconds(m.At), seconds(pause.From), seconds(pause.To))
				}
			}
			if inLine {
				r.Checked++
			}
		}
	}
	return r
}

// pauses are the times in which queues were certainly paused, by queue.
func (h *History) pauses() map[string][]Span {
	certainly := slack
	if !h.Params.OneWriter {
		certainly += begunBefore
	}
	pauses := map[string][]Span{}
	for _, c := range h.Controls {
		if c.Verb != "pause" || c.Answer != OK {
			continue
		}
		until := int64(1 << 62)
		for _, other := range h.Controls {
			if other.Verb == "resume" && other.Queue == c.Queue && other.Ended > c.Invoked {
				until = min(until, other.Invoked)
			}
		}
		if span := (Span{c.Ended + int64(certainly), until - int64(slack)}); span.From < span.To {
			pauses[c.Queue] = append(pauses[c.Queue], span)
		}
	}
	return pauses
}
