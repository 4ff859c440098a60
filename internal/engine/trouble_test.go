package engine

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTroubleIsToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		var text bytes.Buffer
		log := slog.New(slog.NewTextHandler(&text, nil))
		var trouble trouble
		var longest time.Duration
		for began := time.Now(); time.Since(began) < 10*time.Minute; {
			wait := trouble.met(log, "claim jobs", errors.New("no route"))
			longest = max(longest, wait)
			<-time.After(wait)
		}
		if lines := strings.Count(text.String(), "\n"); lines < 9 || lines > 11 {
			t.Errorf("%d lines in ten minutes:\n%s", lines, text.String())
		}
		if longest > 5*time.Second/2 {
			t.Errorf("a try came %v after the one before", longest)
		}
		text.Reset()
		trouble.over(log, "claim jobs")
		trouble.over(log, "claim jobs")
		if lines := strings.Count(text.String(), "\n"); lines != 1 {
			t.Errorf("the end was told %d times", lines)
		}
	})
}
