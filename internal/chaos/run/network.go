//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// network is a network of a slot's own: a namespace with one virtual cable to ours. Each
// direction can be cut by itself, for packets and not for bytes as a proxy does it:
// connections stay open on both sides, what was sent is sent again and again, and a
// process that dies meanwhile cannot say so.
type network struct {
	space        *os.File // the namespace; the cable goes with it
	device       string   // our end of the cable
	ours, theirs string   // addresses of its ends
}

// newNetwork makes the network of a slot, if this process may: root, with the command ip.
func newNetwork(number int) (*network, error) {
	pid := os.Getpid()
	subnet := fmt.Sprintf("10.%d.%d", 64+pid%128, pid/128%256)
	n := &network{
		device: fmt.Sprintf("later%d-%d", pid, number),
		ours:   fmt.Sprintf("%s.%d", subnet, 4*number+1), theirs: fmt.Sprintf("%s.%d", subnet, 4*number+2),
	}
	err := onThreadOfItsOwn(func() (err error) {
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("a network namespace: %w", err)
		}
		if n.space, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		return ip(
			fmt.Sprintf("link add eth0 type veth peer name %s netns %d", n.device, pid),
			fmt.Sprintf("address add %s/30 dev eth0", n.theirs), "link set lo up", "link set eth0 up")
	})
	if err == nil {
		err = ip(fmt.Sprintf("address add %s/30 dev %s", n.ours, n.device), fmt.Sprintf("link set %s up", n.device))
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// onThreadOfItsOwn calls fn on a thread that ends with it, with whatever fn did to it.
func onThreadOfItsOwn(fn func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() { // the first one does not end, and stands for the process
			defer runtime.UnlockOSThread()
			done <- onThreadOfItsOwn(fn)
			return
		}
		done <- fn()
	}()
	return <-done
}

func ip(commands ...string) error {
	for _, command := range commands {
		if output, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", command, err, output)
		}
	}
	return nil
}

// enter takes the calling thread into the network, and the processes that it starts.
func (n *network) enter() error { return unix.Setns(int(n.space.Fd()), unix.CLONE_NEWNET) }

// start starts a process in the network; that of the machine if n is nil. The calling
// goroutine has a thread of its own.
func (n *network) start(command *exec.Cmd) error {
	if n == nil {
		return command.Start()
	}
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	if err := n.enter(); err != nil {
		return err
	}
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(err) // whatever else this thread did would happen in the wrong network
		}
	}()
	return command.Start()
}

// dropRequests says whether nothing from there arrives here.
func (n *network) dropRequests(drop bool) error {
	return onThreadOfItsOwn(func() error {
		if err := n.enter(); err != nil {
			return err
		}
		return ip(blackhole(drop, n.ours))
	})
}

// dropAnswers says whether nothing from here arrives there.
func (n *network) dropAnswers(drop bool) error { return ip(blackhole(drop, n.theirs)) }

func blackhole(drop bool, address string) string {
	verb := "delete"
	if drop {
		verb = "replace"
	}
	return fmt.Sprintf("route %s blackhole %s/32", verb, address)
}

func (n *network) close() {
	if n.space != nil {
		n.space.Close()
		_ = ip("link delete " + n.device) // it goes with the last process of the network otherwise
	}
}

// moveOut gives a slot a network of its own, where that can be had. It returns the
// address under which its processes reach this one.
func (s *slot) moveOut(number int, otherwise string) string {
	var err error
	if s.network, err = newNetwork(number); err != nil {
		fmt.Fprintf(os.Stderr, "NO LOST PACKETS: a process cannot have a network of its own here: %v\n", err)
		return otherwise
	}
	return s.network.ours
}

// networked are the slots with a network of their own.
func (f *fleet) networked() []*slot {
	return slices.DeleteFunc(slices.Clone(f.slots), func(s *slot) bool { return s.network == nil })
}

// takeDown takes the networks down.
func (f *fleet) takeDown() {
	for _, s := range f.networked() {
		s.network.close()
	}
}

// dropped is a fault of the networks of slots that have one of their own. What was lost
// is sent again ever more rarely: until all is well it takes as long again.
func dropped(drops ...func(*network, bool) error) func(context.Context, *nemesis, event) error {
	return func(ctx context.Context, n *nemesis, e event) error {
		s := pick(n.fleet.networked(), e)
		free, ok := n.seize(s.id + " network")
		if !ok {
			return nil
		}
		defer free()
		began, victims := monotonic(), []string{s.present()}
		for _, drop := range drops {
			if err := drop(s.network, true); err != nil {
				return err
			}
		}
		_ = pause(ctx, e.length)
		for _, drop := range drops {
			if err := drop(s.network, false); err != nil {
				return err
			}
		}
		_ = pause(ctx, e.length+time.Second)
		if last := s.present(); last != victims[0] {
			victims = append(victims, last) // it has been replaced meanwhile
		}
		n.note(e, began, victims...)
		return nil
	}
}
