//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/laterjobs/later/internal/chaos/history"
	"github.com/laterjobs/later/internal/pgtest"
)

// fleet is the processes of a run. Whatever process ends is replaced.
type fleet struct {
	orders     // of every child
	log        *history.Writer
	address    func(*pgtest.Proxy) string
	namespaces bool // processes can have a host name of their own

	slots  []*slot
	ledger *slot
}

// slot is the place of one process after the other.
type slot struct {
	fleet *fleet
	role  string
	id    string // worker-2
	host  string
	rate  float64

	network *network      // of its own, nil: that of the machine
	proxy   *pgtest.Proxy // nil on a file

	mutex   sync.Mutex
	changed *sync.Cond
	number  int       // of the incarnation
	command *exec.Cmd // nil: none runs
	how     string    // a signal of ours that ends the present one: killed
	closed  bool      // whoever ends is not replaced
	started time.Time
}

func slotOf(name string) string {
	id, _, _ := strings.Cut(name, ".")
	return id
}

// start starts the ledger, and then so many producers and workers.
func (f *fleet) start(producers, workers int, rate float64, proxy func(at string) (*pgtest.Proxy, error)) error {
	f.ledger = f.newSlot("ledger", 0)
	f.ledger.spawn()
	for range 200 {
		if _, err := os.Stat(f.orders.ledger()); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for n := range producers + workers {
		role := "worker"
		if n < producers {
			role = "producer"
		}
		s := f.newSlot(role, n)
		s.rate = rate / float64(producers)
		if n == producers+workers-1 && f.namespaces && f.Store == "postgres" {
			s.host = "elsewhere" // its death has to be observed
		}
		at := "127.0.0.1"
		if n == producers+workers-2 && f.Store == "postgres" {
			at = s.moveOut(n, at)
		}
		var err error
		if s.proxy, err = proxy(at); err != nil {
			return err
		}
		f.slots = append(f.slots, s)
		s.spawn()
	}
	return nil
}

func (f *fleet) newSlot(role string, n int) *slot {
	s := &slot{fleet: f, role: role, id: fmt.Sprintf("%s-%d", role, n)}
	s.changed = sync.NewCond(&s.mutex)
	return s
}

func (s *slot) name() string { return fmt.Sprintf("%s.%d", s.id, s.number) }

// spawn starts the next incarnation, unless the slot is closed.
func (s *slot) spawn() {
	s.mutex.Lock()
	if s.closed || s.command != nil {
		s.mutex.Unlock()
		return
	}
	s.number++
	s.how = ""
	s.command = exec.Command("/proc/self/exe")
	s.mutex.Unlock()
	started := make(chan struct{})
	go s.live(started)
	<-started
}

// live runs one incarnation to its end and has it replaced. It stays on one thread:
// the system ends a child with the thread that started it.
func (s *slot) live(started chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	name, command := s.name(), s.command
	o := s.fleet.orders
	o.Role, o.Name, o.Rate = s.role, name, s.rate
	if s.host != "" {
		o.Host = fmt.Sprintf("%s-%d", s.host, s.number) // nobody on its host proves its death
	}
	o.Seed = s.fleet.Seed ^ sum(name)
	o.Address = s.fleet.address(s.proxy)
	text, _ := json.Marshal(o) // strings and numbers
	command.Env = append(os.Environ(), childVariable+"="+string(text))
	errors, err := os.Create(filepath.Join(o.Folder, name+".stderr"))
	if err == nil {
		defer errors.Close()
		command.Stderr = errors
	}
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if s.host != "" {
		command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUTS
	}
	s.fleet.write(history.Event{Kind: history.Born, Text: name, Verb: o.Host})
	s.mutex.Lock()
	err = s.network.start(command)
	s.started = time.Now()
	s.mutex.Unlock()
	close(started)
	if err == nil {
		err = command.Wait()
	}
	s.ended(name, err)
}

// ended writes down how a process ended, and replaces it after a moment.
func (s *slot) ended(name string, err error) {
	s.mutex.Lock()
	how := s.how
	if how == "" {
		how = "stopped"
		if err != nil {
			how = err.Error()
		}
	}
	s.fleet.write(history.Event{Kind: history.Died, Text: name, Verb: how})
	s.command = nil
	s.changed.Broadcast()
	closed, short := s.closed, time.Since(s.started) < time.Second
	s.mutex.Unlock()
	if closed {
		return
	}
	wait := time.Duration(100+rand.IntN(400)) * time.Millisecond
	if short {
		wait = time.Second // it cannot start, for example without its database
	}
	time.AfterFunc(wait, s.spawn)
}

func (f *fleet) write(e history.Event) {
	e.At = monotonic()
	if err := f.log.Write(e); err != nil {
		panic(err) // without its history nothing is proved
	}
}

// signal sends a signal to the present process, and returns its name. How is how it
// ends by that, if it does.
func (s *slot) signal(signal syscall.Signal, how string) (name string, ok bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.command == nil || s.command.Process == nil {
		return "", false
	}
	if how != "" {
		s.how = how
	}
	return s.name(), s.command.Process.Signal(signal) == nil
}

// resume wakes the process of that name, if it is still there.
func (s *slot) resume(name string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.command != nil && s.command.Process != nil && s.name() == name {
		_ = s.command.Process.Signal(syscall.SIGCONT) // it may have ended
	}
}

// present is the name of the process that runs, empty if none does.
func (s *slot) present() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.command == nil {
		return ""
	}
	return s.name()
}

// close stops the process and does not replace it. It returns when it has ended; one
// that does not end by itself is killed.
func (s *slot) close(patience time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.closed = true
	if s.command == nil || s.command.Process == nil {
		return
	}
	_ = s.command.Process.Signal(syscall.SIGCONT) // it may have ended
	_ = s.command.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(patience, func() { s.signal(syscall.SIGKILL, "did not end by itself") })
	defer timer.Stop()
	for s.command != nil {
		s.changed.Wait()
	}
}

// closeAll closes the slots of a role, at the same time.
func (f *fleet) closeAll(role string, patience time.Duration) {
	var group sync.WaitGroup
	for _, s := range f.slots {
		if s.role == role {
			group.Go(func() { s.close(patience) })
		}
	}
	group.Wait()
}

func (f *fleet) ofRole(role string) (found []*slot) {
	for _, s := range f.slots {
		if s.role == role {
			found = append(found, s)
		}
	}
	return found
}

// canNameHosts reports whether a process may have a host name of its own.
func canNameHosts() bool {
	command := exec.Command("/bin/true")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUTS}
	return command.Run() == nil
}
