package pgtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
)

// onFreePort starts a server on a port that is free, and on another one if it
// is taken in between.
func onFreePort(start func(port int) error) (err error) {
	for range 10 {
		port, none := freePort()
		if none != nil {
			return none
		}
		if err = start(port); err == nil || !strings.Contains(err.Error(), "ddress already in use") {
			return err
		}
	}
	return fmt.Errorf("found no port that stays free: %w", err)
}

// freePort chooses below the ports that systems give to outgoing connections, so
// that none of these takes it while a server restarts.
func freePort() (int, error) {
	for range 100 {
		port := 20000 + rand.IntN(12000)
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("found no free port between 20000 and 32000")
}
