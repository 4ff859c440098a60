//go:build unix && !linux

package dev

import "syscall"

// orphan can do nothing on this system.
func orphan(*syscall.SysProcAttr) {}
