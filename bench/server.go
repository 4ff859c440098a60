package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is the PostgreSQL server of a run.
type server struct {
	url   string
	admin *pgx.Conn
	dir   string    // of a server that we started
	run   *exec.Cmd // nil: somebody else's
	ended chan struct{}
}

// serverSettings are all that differ from the server's defaults: durability is
// not among them.
var serverSettings = []string{"shared_buffers=1GB", "max_wal_size=4GB", "max_connections=300"}

// useServer connects to a server that runs already.
func useServer(ctx context.Context, url string) (*server, error) {
	admin, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	return &server{url: url, admin: admin}, nil
}

// startServer runs a server of our own in a directory that stop removes. As root
// it gives the directory and the server to an unprivileged user, as PostgreSQL
// demands.
func startServer(ctx context.Context) (*server, error) {
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	owner, err := findOwner()
	if err != nil {
		return nil, err
	}
	s := &server{ended: make(chan struct{})}
	if s.dir, err = os.MkdirTemp("", "bench-postgres-"); err != nil {
		return nil, err
	}
	if err := s.launch(ctx, programs, owner); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// findPrograms returns the directory with the newest server programs.
func findPrograms() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return majorVersion(a) - majorVersion(b) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", errors.New("no PostgreSQL server is installed: install the package postgresql, or give -url")
	}
	return filepath.Dir(path), nil
}

func majorVersion(program string) int {
	version, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(program))))
	return version
}

// findOwner returns nil if we may run the server ourselves.
func findOwner() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}

func (s *server) launch(ctx context.Context, programs string, owner *syscall.Credential) error {
	if owner != nil {
		if err := os.Chown(s.dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	data := filepath.Join(s.dir, "data")
	initialize := s.command(owner, filepath.Join(programs, "initdb"),
		"-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-locale")
	if output, err := initialize.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, output)
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	s.url = fmt.Sprintf("postgres://bench@127.0.0.1:%d/postgres?sslmode=disable", port)
	args := []string{"-D", data, "-p", strconv.Itoa(port), "-c", "unix_socket_directories="}
	for _, setting := range serverSettings {
		args = append(args, "-c", setting)
	}
	var messages bytes.Buffer
	run := s.command(owner, filepath.Join(programs, "postgres"), args...)
	run.Stderr = &messages
	if err := run.Start(); err != nil {
		return err
	}
	s.run = run
	go func() {
		_ = run.Wait()
		close(s.ended)
	}()
	return s.await(ctx, &messages)
}

// command gives the server a process group of its own, so that an interrupt from
// the terminal does not stop it before us.
func (s *server) command(owner *syscall.Credential, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner, Setpgid: true}
	return cmd
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// await returns when the server accepts connections.
func (s *server) await(ctx context.Context, messages *bytes.Buffer) error {
	patience := time.After(30 * time.Second)
	for {
		admin, err := pgx.Connect(ctx, s.url)
		if err == nil {
			s.admin = admin
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended at once: %s", messages)
		case <-patience:
			return fmt.Errorf("the server does not answer: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends and removes a server that we started.
func (s *server) stop() error {
	if s.admin != nil {
		_ = s.admin.Close(context.Background())
	}
	if s.run != nil {
		if err := s.run.Process.Signal(syscall.SIGINT); err != nil { // disconnects clients, then ends
			return err
		}
		<-s.ended
	}
	if s.dir == "" {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// process returns the id of the server's first process, 0 if it is not ours.
func (s *server) process() int {
	if s == nil || s.run == nil {
		return 0
	}
	return s.run.Process.Pid
}

func (s *server) urlOf(database string) (string, error) {
	parsed, err := url.Parse(s.url)
	if err != nil {
		return "", fmt.Errorf("-url must be of the form postgres://user@host:port/database: %w", err)
	}
	parsed.Path = "/" + database
	return parsed.String(), nil
}

// describe tells the version and the settings that bear on the result.
func (s *server) describe(ctx context.Context) (string, error) {
	var facts []string
	for _, name := range []string{
		"server_version", "fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "max_connections",
	} {
		var value string
		if err := s.admin.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value); err != nil {
			return "", err
		}
		facts = append(facts, name+" "+value)
	}
	return "PostgreSQL: " + strings.Join(facts, ", "), nil
}
