package sqlite

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestGiveWay: while all processors are busy, giving way takes at most a hundredth of
// the time; else it is done each time.
func TestGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turn, turns := 100*time.Microsecond, 0
		c := company{yield: func() { turns++; time.Sleep(turn) }}
		for range 10 {
			c.giveWay()
		}
		if turns != 10 {
			t.Errorf("given way %d times of 10", turns)
		}
		turn, turns = 80*time.Millisecond, 0
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
			c.giveWay()
		}
		if turns < 5 || turns > 8 {
			t.Errorf("given way %d times in a minute, 80 ms each", turns)
		}
		turn, turns = 0, 0
		time.Sleep(10 * time.Second)
		for range 10 {
			c.giveWay()
		}
		if turns != 10 {
			t.Errorf("given way %d times of 10 when the processors are free again", turns)
		}
	})
}
