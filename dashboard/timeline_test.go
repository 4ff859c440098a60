package dashboard

import (
	"testing"
	"time"

	"github.com/laterjobs/later"
)

// TestTimelineIsDrawnToScale: what took twice as long is twice as wide, in order, and
// nothing leaves the plane, whatever clocks have written.
func TestTimelineIsDrawnToScale(t *testing.T) {
	at := func(s int) time.Time { return chartNow.Add(time.Duration(s) * time.Second) }
	job := later.Job{Status: later.StatusFailed, QueuedAt: at(0)}
	attempts := []later.Attempt{
		{Number: 1, Outcome: later.AttemptRetried, StartedAt: at(100), FinishedAt: at(200)},
		{Number: 2, Outcome: later.AttemptFailed, StartedAt: at(300), FinishedAt: at(500)},
	}
	v := chartView()
	drawn := v.timelineOf(job, attempts)
	if len(drawn.Lanes) != 2 {
		t.Fatalf("%+v", drawn)
	}
	one, two := drawn.Lanes[0], drawn.Lanes[1]
	if d := two.Run.W - 2*one.Run.W; d < -0.3 || d > 0.3 || one.Wait.W != one.Run.W || two.Wait.X != one.Run.X+one.Run.W || two.Run.X+two.Run.W != laneRight {
		t.Errorf("%+v\n%+v", one, two)
	}
	attempts[0].FinishedAt, attempts[1].StartedAt = at(-50), at(900) // clocks that were set back
	for _, l := range v.timelineOf(job, attempts).Lanes {
		for _, b := range []bar{l.Wait, l.Run} {
			if b.X < laneLeft || b.X+b.W > laneRight+0.1 || b.W < 0 {
				t.Errorf("%+v", l)
			}
		}
	}
	if v.timelineOf(later.Job{Status: later.StatusPending}, nil) != nil {
		t.Error("a job that never ran has a drawing")
	}
	many := make([]later.Attempt, 500)
	for i := range many {
		many[i] = later.Attempt{Number: i + 1, StartedAt: at(10 * i), FinishedAt: at(10*i + 5)}
	}
	if n := len(v.timelineOf(job, many).Lanes); n != lanesMost {
		t.Errorf("%d lanes", n)
	}
}

func TestCopies(t *testing.T) {
	v := &view{User: User{May: Admin}}
	copies := v.copies(later.Job{ID: 7, Type: "It's", Args: []byte(`{"a":"it's ` + "`" + `"}`)})
	texts := map[string]string{}
	for _, c := range copies {
		texts[c.Name] = c.Text
	}
	for name, want := range map[string]string{
		"command, to enqueue it again": `later enqueue 'It'\''s' --args '{"a":"it'\''s ` + "`" + `"}'`,
		"Go, to enqueue it again":      `queue.Enqueue(ctx, "It's", json.RawMessage("{\"a\":\"it's ` + "`" + `\"}"))`,
		"id":                           "7",
	} {
		if texts[name] != want {
			t.Errorf("%s: %s", name, texts[name])
		}
	}
	v.User.May = View
	if copies := v.copies(later.Job{ID: 7, Args: []byte(`"secret"`)}); len(copies) != 4 {
		t.Errorf("who may not see arguments copies %v", copies)
	}
}
