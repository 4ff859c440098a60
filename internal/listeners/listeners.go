// Package listeners passes wakes on to all who listen to a store.
package listeners

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/laterjobs/later/store"
)

// Set is the listeners of one store. It runs Watch, if there is one, while
// somebody listens.
type Set struct {
	Watch func(context.Context) // until its context ends

	mu       sync.Mutex
	channels map[chan store.Wake]bool
	stop     context.CancelFunc // of Watch
	watching sync.WaitGroup
}

// Listen delivers wakes until ctx ends, then closes the channel.
func (s *Set) Listen(ctx context.Context) <-chan store.Wake {
	channel := make(chan store.Wake, 1)
	s.mu.Lock()
	if s.channels == nil {
		s.channels = map[chan store.Wake]bool{}
	}
	s.channels[channel] = true
	if len(s.channels) == 1 && s.Watch != nil {
		watch, stop := context.WithCancel(context.Background())
		s.stop = stop
		s.watching.Go(func() { s.Watch(watch) })
	}
	s.mu.Unlock()
	context.AfterFunc(ctx, func() { s.remove(channel) })
	return channel
}

func (s *Set) remove(channel chan store.Wake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.channels[channel] {
		return
	}
	delete(s.channels, channel)
	close(channel)
	if len(s.channels) == 0 && s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// Close ends all listening, and waits for Watch to end.
func (s *Set) Close() {
	s.mu.Lock()
	channels := slices.Collect(maps.Keys(s.channels))
	s.mu.Unlock()
	for _, channel := range channels {
		s.remove(channel)
	}
	s.watching.Wait()
}

// Wake delivers to everyone, merged with what has not been taken yet.
func (s *Set) Wake(wake store.Wake) {
	if wake == (store.Wake{}) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for channel := range s.channels {
		merged := wake
		select {
		case waiting := <-channel:
			merged = merged.Merge(waiting)
		default:
		}
		channel <- merged // has room: only this function sends, under the mutex
	}
}
