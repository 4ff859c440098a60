package dev

import (
	"io"
	"os/exec"
	"runtime"
	"time"
)

// process is a program that runs, with whatever it has started.
type process struct {
	cmd      *exec.Cmd
	began    time.Time
	whole    bool // its group is told to stop, not only itself
	stopping bool
	deadline *time.Timer // then it is killed; nil: not yet told to stop
}

// ending is how a process has ended.
type ending struct {
	*process
	err error
}

// launch starts a program in a group of its own and reports its end. Nothing that it has
// started outlives it.
func launch(cmd *exec.Cmd, ended chan<- ending) (*process, error) {
	p := &process{cmd: cmd, began: time.Now()}
	ownGroup(cmd)
	cmd.WaitDelay = time.Second // for output that its children hold open
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the system ends the program with the thread that has started it
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		err = cmd.Wait()
		killGroup(cmd.Process)
		ended <- ending{p, err}
	}()
	return p, <-started
}

// stop tells the program to, and kills it after a while.
func (p *process) stop(patience time.Duration) {
	if p.stopping {
		return
	}
	p.stopping = true
	terminate(p.cmd.Process, p.whole)
	p.deadline = time.AfterFunc(patience, p.kill)
}

func (p *process) kill() { killGroup(p.cmd.Process) }

// output runs a program to its end, which comes at once when its context ends, and
// returns what it has said.
func output(cmd *exec.Cmd, to io.Writer) error {
	ownGroup(cmd)
	cmd.Cancel = func() error {
		killGroup(cmd.Process)
		return nil
	}
	cmd.WaitDelay = time.Second
	cmd.Stdout, cmd.Stderr = to, to
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return cmd.Run()
}
