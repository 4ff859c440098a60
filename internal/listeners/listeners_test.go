package listeners

import (
	"context"
	"testing"

	"github.com/laterjobs/later/store"
)

func TestWakesMeetAndMerge(t *testing.T) {
	var s Set
	first, second := s.Listen(t.Context()), s.Listen(t.Context())
	s.Wake(store.Wake{})
	s.Wake(store.Wake{Work: true})
	s.Wake(store.Wake{Finished: true})
	for _, channel := range []<-chan store.Wake{first, second} {
		if wake := <-channel; wake != (store.Wake{Work: true, Finished: true}) {
			t.Errorf("wake: %+v", wake)
		}
		select {
		case wake := <-channel:
			t.Errorf("one more: %+v", wake)
		default:
		}
	}
}

func TestWatchRunsWhileSomebodyListens(t *testing.T) {
	began, ended := make(chan struct{}, 2), make(chan struct{}, 2)
	s := Set{Watch: func(ctx context.Context) {
		began <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
	}}
	ctx, cancel := context.WithCancel(t.Context())
	one := s.Listen(ctx)
	<-began
	other, cancelOther := context.WithCancel(t.Context())
	two := s.Listen(other)
	cancel()
	if _, open := <-one; open {
		t.Error("a wake that nobody sent")
	}
	select {
	case <-ended:
		t.Error("the watch ended while somebody listened")
	default:
	}
	cancelOther()
	<-two
	<-ended
	s.Listen(t.Context())
	<-began
	s.Close()
	<-ended
}
