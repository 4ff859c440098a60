package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// patience is how long a server may take to start or stop before a test fails.
const patience = time.Minute

// process is a server program that runs. It dies with the test process.
type process struct {
	command *exec.Cmd
	output  *output
	gone    chan struct{} // closed when it and all of its children have ended
}

// startProcess returns when the program has written the words that say that it is ready.
func startProcess(owner *account, ready string, command *exec.Cmd) (*process, error) {
	p := &process{command: command, output: newOutput(ready), gone: make(chan struct{})}
	command.Stdout, command.Stderr = p.output, p.output
	command.SysProcAttr = attributes(owner)
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", command.Path, err)
	}
	return p, p.awaitReady()
}

// run stays on one thread: the system ends a child with the thread that started
// it, not with the process. Wait returns when nobody has the output open any
// more, that is, when the children of a killed server have ended too.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.command.Start()
	started <- err
	if err == nil {
		p.command.Wait()
		close(p.gone)
	}
}

func (p *process) awaitReady() error {
	select {
	case <-p.output.ready:
		return nil
	case <-p.gone:
		return fmt.Errorf("%s ended at once: %s", p.name(), p.output)
	case <-time.After(patience):
		p.end(os.Kill)
		return fmt.Errorf("%s is not ready after %v: %s", p.name(), patience, p.output)
	}
}

// end sends the signal and waits until the process and its children have ended.
func (p *process) end(signal os.Signal) error {
	p.command.Process.Signal(signal) // fails only if it has ended
	select {
	case <-p.gone:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%s still runs %v after the signal %v: %s", p.name(), patience, signal, p.output)
	}
}

func (p *process) name() string { return filepath.Base(p.command.Path) }
