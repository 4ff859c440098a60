//go:build !unix

package dev

import (
	"os"
	"os/exec"
)

func ownGroup(*exec.Cmd) {}

// terminate kills: this system cannot ask. The jobs come back when their leases end.
func terminate(p *os.Process, _ bool) { _ = p.Kill() }

func killGroup(p *os.Process) { _ = p.Kill() }
