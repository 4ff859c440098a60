//go:build unix && !linux

package pgtest

import "syscall"

// attributes: run as the account. Only Linux ends a child with its parent.
func attributes(owner *account) *syscall.SysProcAttr {
	if owner == nil {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(owner.uid), Gid: uint32(owner.gid)}}
}
