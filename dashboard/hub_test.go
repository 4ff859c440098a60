package dashboard

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestHubLooksOnceForAll: once a second however many pages are open, and not at all when
// the last one is closed.
func TestHubLooksOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var looks, state atomic.Int64
		h := newHub(func(context.Context) (string, error) {
			looks.Add(1)
			if state.Load() < 0 {
				return "", errors.New("gone")
			}
			return strconv.FormatInt(state.Load(), 10), nil
		})
		h.most = 3
		var streams []chan int64
		var leaves []func()
		for range h.most {
			stream, leave, joined := h.join()
			if !joined {
				t.Fatal("no room")
			}
			streams, leaves = append(streams, stream), append(leaves, leave)
		}
		if _, _, joined := h.join(); joined {
			t.Error("there is no bound")
		}
		time.Sleep(9500 * time.Millisecond)
		if n := looks.Load(); n != 10 {
			t.Errorf("%d looks in 9.5 s", n)
		}
		for _, stream := range streams {
			<-stream // what it was told at first
		}
		for _, next := range []int64{1, 2, -1, 3} {
			state.Store(next)
			time.Sleep(3 * time.Second)
			for i, stream := range streams {
				select {
				case <-stream:
				default:
					t.Errorf("page %d was not told of %d", i, next)
				}
				if len(stream) > 0 {
					t.Errorf("page %d was told twice of %d", i, next)
				}
			}
		}
		for _, leave := range leaves {
			leave()
		}
		synctest.Wait()
		before := looks.Load()
		time.Sleep(time.Minute)
		if looks.Load() != before {
			t.Error("somebody still looks")
		}
	})
}
