package pgtest_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"strings"
	"testing"

	"github.com/laterjobs/later/internal/pgtest"
)

// asChild tells TestServerDiesWithTheTestProcess that it is the process to kill.
const asChild = "LATER_PGTEST_CHILD"

// TestServerDiesWithTheTestProcess: also if nobody is left to stop it.
func TestServerDiesWithTheTestProcess(t *testing.T) {
	if os.Getenv(asChild) != "" {
		fmt.Println(pgtest.Start(t).URL())
		io.Copy(io.Discard, os.Stdin) // until killed
		return
	}
	pgtest.URL(t) // skips if there is none
	child, url := startChild(t)
	session := connect(t, url)
	child.Process.Kill()
	child.Wait()
	if _, err := session.WaitForNotification(t.Context()); err == nil {
		t.Error("the server sends notifications, want it gone")
	}
}

// startChild returns when its server runs. The temporary folder is one that the
// account of the server can reach.
func startChild(t *testing.T) (child *osexec.Cmd, url string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "later-pgtest-child-")
	if err != nil {
		t.Fatal(err)
	}
	os.Chmod(folder, 0o755)
	t.Cleanup(func() { removeAll(folder) })
	child = osexec.Command(os.Args[0], "-test.run=^TestServerDiesWithTheTestProcess$")
	child.Env = append(os.Environ(), asChild+"=1", "TMPDIR="+folder)
	child.StdinPipe() // stays open, so the child waits
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return child, strings.TrimSpace(line)
}

// removeAll tries again while the server that shuts down still writes there.
func removeAll(folder string) {
	for range 1000 {
		if os.RemoveAll(folder) == nil {
			return
		}
	}
}
