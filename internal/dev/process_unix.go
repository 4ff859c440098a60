//go:build unix

package dev

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup keeps ctrl-C in the terminal from reaching the program: it is told to stop
// once, by us.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	orphan(cmd.SysProcAttr)
}

// terminate asks for a graceful stop. What a program has started for a job goes on until
// the job ends, unless the whole group is asked.
func terminate(p *os.Process, whole bool) {
	if whole {
		_ = syscall.Kill(-p.Pid, syscall.SIGTERM) // it may have ended
		return
	}
	_ = p.Signal(syscall.SIGTERM)
}

func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // it may have ended
