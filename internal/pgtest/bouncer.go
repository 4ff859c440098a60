package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Bouncer starts a pgbouncer in front of the server with the URL, and returns the
// URL to connect to instead. It pools by transaction: two transactions of a client
// may run in different sessions of the server. Startup parameters in the URL, such
// as search_path, have no effect. Only pgbouncer 1.21 and later know prepared
// statements; Debian 12 has 1.18.
func Bouncer(t testing.TB, url string) string {
	t.Helper()
	program, err := bouncerProgram()
	if err != nil {
		giveUp(t, err)
	}
	b := &bouncer{program: program}
	t.Cleanup(b.destroy)
	if err := b.start(url); err != nil {
		giveUp(t, err)
	}
	return through(url, fmt.Sprintf("127.0.0.1:%d", b.port))
}

type bouncer struct {
	program string
	folder  string
	port    int
	server  *process
}

// bouncerProgram also looks where Debian has it: only root has /usr/sbin on PATH.
func bouncerProgram() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no pgbouncer is installed (none on PATH or in /usr/sbin): %w", errMissing)
}

func (b *bouncer) start(url string) error {
	target, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	owner, err := serverAccount()
	if err != nil {
		return err
	}
	if b.folder, err = newFolder(owner); err != nil {
		return err
	}
	return onFreePort(func(port int) (err error) {
		b.port = port
		file := filepath.Join(b.folder, "pgbouncer.ini")
		if err := os.WriteFile(file, []byte(b.settings(target)), 0o644); err != nil {
			return err
		}
		b.server, err = startProcess(owner, "process up", exec.Command(b.program, file))
		return err
	})
}

// ignored are the startup parameters that clients send and a pooler in transaction
// mode cannot keep. It refuses the ones that are not listed.
var ignored = []string{
	"options", "search_path", "plan_cache_mode", "extra_float_digits", "default_transaction_isolation",
	"default_transaction_read_only", "statement_timeout", "lock_timeout", "transaction_timeout",
	"idle_in_transaction_session_timeout", "idle_session_timeout", "jit", "work_mem",
}

func (b *bouncer) settings(target *pgx.ConnConfig) string {
	lines := []string{
		"[databases]",
		"* = " + connection(target),
		"[pgbouncer]",
		"listen_addr = 127.0.0.1",
		"listen_port = " + strconv.Itoa(b.port),
		"unix_socket_dir =",
		"auth_type = any",
		"pool_mode = transaction",
		"max_client_conn = 500",
		"ignore_startup_parameters = " + strings.Join(ignored, ","),
	}
	if b.knowsPreparedStatements() {
		lines = append(lines, "max_prepared_statements = 200")
	}
	return strings.Join(lines, "\n") + "\n"
}

// knowsPreparedStatements: since 1.21. Its first line is like "PgBouncer 1.18.0".
func (b *bouncer) knowsPreparedStatements() bool {
	output, _ := exec.Command(b.program, "--version").Output()
	version := regexp.MustCompile(`(\d+)\.(\d+)`).FindStringSubmatch(string(output))
	if version == nil {
		return false
	}
	major, _ := strconv.Atoi(version[1])
	minor, _ := strconv.Atoi(version[2])
	return major > 1 || minor >= 21
}

// destroy kills it: it keeps nothing, and would wait for its clients.
func (b *bouncer) destroy() {
	if b.server != nil {
		b.server.end(os.Kill)
	}
	if b.folder != "" {
		os.RemoveAll(b.folder)
	}
}

// connection says how pgbouncer connects to the server: as the user of the URL,
// whoever its client is. It refuses an empty password.
func connection(target *pgx.ConnConfig) string {
	text := fmt.Sprintf("host=%s port=%d user=%s", target.Host, target.Port, quote(target.User))
	if target.Password != "" {
		text += " password=" + quote(target.Password)
	}
	return text
}

func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }
