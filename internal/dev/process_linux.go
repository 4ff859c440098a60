package dev

import "syscall"

// orphan makes the system stop a program whose parent has been killed.
func orphan(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGTERM }
