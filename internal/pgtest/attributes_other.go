//go:build !unix

package pgtest

import "syscall"

func attributes(*account) *syscall.SysProcAttr { return nil }
