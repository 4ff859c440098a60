package engine

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

// alarmEvery is how often the store is asked whether it is well.
const alarmEvery = time.Minute

// alarm passes on what the store says of itself.
type alarm struct {
	*Engine
	raised bool
}

func (e *Engine) newAlarm() *alarm { return &alarm{Engine: e} }

func (a *alarm) look(context.Context) time.Duration {
	alarmed, ok := a.store.(store.Alarmed)
	if !ok {
		return 0
	}
	text := alarmed.Alarm()
	switch {
	case text != "":
		a.log.Warn("the store needs attention: " + text)
	case a.raised:
		a.log.Info("the store needs no attention any more")
	}
	a.raised = text != ""
	return 0
}
