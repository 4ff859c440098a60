package pgtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// commonSettings hold for every server. The time zone is one that nobody computes
// with by accident: mistakes show.
var commonSettings = []string{
	"listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=Asia/Kathmandu", "lc_messages=C",
}

// cluster is a data folder and the server on it, if one runs. One goroutine at a
// time uses it.
type cluster struct {
	programs string // folder
	folder   string // of the data and all else
	owner    *account
	settings []string
	port     int
	server   *process // nil while none runs
}

func startCluster(settings []string) (*cluster, error) {
	c, err := newCluster(settings)
	if err != nil {
		return nil, err
	}
	if err := c.startOnFreePort(); err != nil {
		c.destroy()
		return nil, err
	}
	return c, nil
}

func newCluster(settings []string) (*cluster, error) {
	c, err := emptyCluster(settings)
	if err != nil {
		return nil, err
	}
	if err := c.initialize(); err != nil {
		c.destroy()
		return nil, err
	}
	return c, nil
}

// emptyCluster has a folder and no data yet.
func emptyCluster(settings []string) (c *cluster, err error) {
	c = &cluster{settings: append(commonSettings[:len(commonSettings):len(commonSettings)], settings...)}
	if c.programs, err = programs(); err != nil {
		return nil, err
	}
	if c.owner, err = serverAccount(); err != nil {
		return nil, err
	}
	c.folder, err = newFolder(c.owner)
	return c, err
}

// linguistic sorts as most servers of users do, not by bytes: mistakes show.
var linguistic = []string{"--locale-provider", "icu", "--icu-locale", "en-US"}

func (c *cluster) initialize() error {
	output, err := c.initdb(linguistic...)
	if err != nil && (bytes.Contains(output, []byte("unrecognized option")) || bytes.Contains(output, []byte("ICU is not supported"))) {
		output, err = c.initdb() // 14 and older
	}
	if err != nil {
		return fmt.Errorf("initdb in %s: %w: %s", c.programs, err, output)
	}
	return nil
}

// initdb stays on one thread, as a process does.
func (c *cluster) initdb(args ...string) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	args = append([]string{"--pgdata", c.data(), "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync"}, args...)
	command := exec.Command(filepath.Join(c.programs, "initdb"), args...)
	command.Dir = c.folder
	command.SysProcAttr = attributes(c.owner)
	return command.CombinedOutput()
}

// startOnFreePort tries again if another process takes the port that was free.
func (c *cluster) startOnFreePort() error {
	return onFreePort(func(port int) error {
		c.port = port
		return c.start()
	})
}

func (c *cluster) start() error {
	args := []string{"-D", c.data(), "-p", fmt.Sprint(c.port)}
	for _, setting := range c.settings {
		args = append(args, "-c", setting)
	}
	command := exec.Command(filepath.Join(c.programs, "postgres"), args...)
	command.Dir = c.folder
	server, err := startProcess(c.owner, "database system is ready to accept", command) // a standby: "read-only connections"
	if err != nil {
		return err
	}
	c.server = server
	return nil
}

// end ends the server with the signal, which says how, and waits for its children.
func (c *cluster) end(signal syscall.Signal) error {
	if c.server == nil {
		return fmt.Errorf("the server on port %d does not run", c.port)
	}
	err := c.server.end(signal)
	if err == nil {
		c.server = nil
	}
	return err
}

// destroy stops the server without a word and removes its data.
func (c *cluster) destroy() {
	if c.server != nil {
		c.server.end(syscall.SIGQUIT)
	}
	os.RemoveAll(c.folder)
}

func (c *cluster) data() string { return filepath.Join(c.folder, "data") }

func (c *cluster) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", c.port)
}

// log returns the newest lines of the server that runs.
func (c *cluster) log() string {
	if c.server == nil {
		return ""
	}
	return strings.TrimSpace(c.server.output.String())
}
