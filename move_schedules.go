package later

import (
	"context"
	"fmt"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// carrySchedules stores the schedules of the source in the target, as far as they have
// come. Those that an earlier move has carried over are the target's by now.
func (m *move) carrySchedules(ctx context.Context) error {
	schedules, err := m.from.Schedules(ctx, store.ScheduleFilter{})
	if err != nil {
		return err
	}
	for _, s := range schedules {
		if m.retired(&s) {
			continue
		}
		if err := m.carrySchedule(ctx, s); err != nil {
			return err
		}
		m.report.Schedules++
	}
	return nil
}

func (m *move) retired(s *store.Schedule) bool {
	return !s.PausedAt.IsZero() && s.PauseReason == m.reason(movedTo)
}

func (m *move) carrySchedule(ctx context.Context, s store.Schedule) error {
	if s.Problem != "" {
		return fmt.Errorf("schedule %q cannot be moved: %s; delete it or mend it", s.Name, s.Problem)
	}
	there, err := m.to.Schedules(ctx, store.ScheduleFilter{Names: []string{s.Name}})
	if err != nil {
		return err
	}
	s.Revision = 0
	if len(there) > 0 { // of a move that was interrupted
		s.Revision = there[0].Revision
	}
	saved, err := m.to.SaveSchedules(ctx, []store.Schedule{s}, engine.Now(m.to), nil)
	if err == nil && !saved[0] {
		err = fmt.Errorf("%w: somebody changes schedule %q of the target", ErrConflict, s.Name)
	}
	return err
}

// retireSchedules pauses the schedules of the source for good.
func (m *move) retireSchedules(ctx context.Context) error {
	schedules, err := m.from.Schedules(ctx, store.ScheduleFilter{})
	if err != nil {
		return fmt.Errorf("everything has been moved, but the schedules of the source are not paused: %w", err)
	}
	now := engine.Now(m.from)
	for i := range schedules {
		if m.retired(&schedules[i]) {
			continue
		}
		schedules[i].PausedAt, schedules[i].PauseReason = now, m.reason(movedTo)
		engine.Aim(&schedules[i], schedules[i].NextTick)
	}
	if _, err := m.from.SaveSchedules(ctx, schedules, now, nil); err != nil {
		return fmt.Errorf("everything has been moved, but the schedules of the source are not paused: %w", err)
	}
	return nil
}
