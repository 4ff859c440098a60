package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

// terminal is a real one, of tmux, in which this program runs.
type terminal struct {
	t      *testing.T
	socket string
}

func newTerminal(t *testing.T, line ...string) terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("LATER_TEST_REQUIRE_TMUX") != "" {
			t.Fatal("there is no tmux, and LATER_TEST_REQUIRE_TMUX is set: apt-get install tmux")
		}
		t.Skip("NOT TESTED in a terminal: there is no tmux (apt-get install tmux)")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "tmux") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	term := terminal{t, filepath.Join(folder, "s")}
	words := []string{"env", "-u", "NO_COLOR", "LATER_TEST_AS_PROGRAM=1", "LC_ALL=C.UTF-8", program}
	for _, word := range line {
		words = append(words, "'"+strings.ReplaceAll(word, "'", `'\''`)+"'")
	}
	term.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "30", strings.Join(words, " ")+`; echo "ended with $?"; cat`)
	t.Cleanup(func() {
		term.tmux("kill-server")
		os.RemoveAll(folder)
	})
	return term
}

func (term terminal) tmux(args ...string) string {
	term.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-u", "-S", term.socket}, args...)...).CombinedOutput()
	if err != nil {
		term.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (term terminal) press(keys ...string) { term.tmux(append([]string{"send-keys"}, keys...)...) }

// shows waits until the terminal shows a text.
func (term terminal) shows(text string) string {
	term.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		screen := term.tmux("capture-pane", "-p")
		if strings.Contains(screen, text) {
			return screen
		}
		if time.Now().After(deadline) {
			term.t.Fatalf("the terminal does not show %q:\n%s", text, screen)
		}
		<-look.C
	}
}

func TestTopInATerminal(t *testing.T) {
	db := stocked(t, newFile(t))
	store := open(t, address{db: db})
	queue := later.New(store, later.Config{})
	if err := queue.SaveSchedule(t.Context(), "every morning", later.Cron("0 9 * * *", ""), greet.With(args{N: 7})); err != nil {
		t.Fatal(err)
	}
	term := newTerminal(t, "top", "--db", db)
	term.shows("[1 Queues]")
	term.shows("mailers")
	term.press("2")
	term.shows("BrokenJob")
	term.press("j", "j") // to the failed one
	term.press("Enter")
	term.shows("attempt    1 of 1")
	term.press("q")
	term.shows("[2 Jobs]")
	term.press("e")
	term.shows("It has failed for good")
	term.press("q")
	term.press("3")
	term.shows("LAST SEEN")
	term.shows("BrokenJob")
	term.press("Enter")
	term.shows("/ cause:")
	term.shows("failed  BrokenJob")
	term.press("r")
	term.shows("retry job 2? [y/N]")
	term.press("y")
	term.shows("retry: 1 of 1 job")
	if job, err := queue.Get(t.Context(), 2); err != nil || job.Status != later.StatusPending {
		t.Errorf("retried: %+v, %v", job, err)
	}
	term.press("/", "C-u")
	term.press("status:completed", "Enter")
	term.shows("/ status:completed")
	term.press("?")
	term.shows("Any key closes this")
	term.press("x")
	term.press("5")
	term.shows("every morning")
	term.press("Enter")
	term.shows("NEXT RUNS")
	term.press("q")
	term.press("p")
	term.shows("pause schedule every morning? [y/N]")
	term.press("y")
	term.shows("paused in later top")
	if _, err := queue.EnqueueAll(t.Context(), greet.With(args{N: 8}, later.Queue("fresh"))); err != nil {
		t.Fatal(err)
	}
	term.press("1")
	term.shows("fresh") // by itself
	term.shows("no process")
	term.shows("slots 0/0")
	term.press("6")
	term.shows("No process works on this store")
	term.press("f")
	term.shows("nothing can be done about this from here")
	term.press("Enter")
	term.shows("queue.Start(ctx)")
	term.press("q")
	term.press("q")
	term.shows("ended with 0")
}

// TestTablesFitTheTerminal: in a real one, with colours; a question is asked there.
func TestTablesFitTheTerminal(t *testing.T) {
	db := newFile(t)
	queue := later.New(open(t, address{db: db}), later.Config{})
	long := strings.Repeat("verylong", 12)
	if _, err := queue.EnqueueAll(t.Context(), greet.With(args{N: 1}, later.Queue(long)), greet.With(args{N: 2})); err != nil {
		t.Fatal(err)
	}
	if screen := newTerminal(t, "list", "--db", db).shows("ended with 0"); !strings.Contains(screen, "…") || !strings.Contains(screen, "pending") {
		t.Errorf("the list does not fit:\n%s", screen)
	}
	term := newTerminal(t, "delete", "--type", "GreetJob", "--db", db)
	term.shows("delete 2 jobs? [y/N]")
	term.press("n", "Enter")
	term.shows("ended with 1")
	term = newTerminal(t, "delete", "--type", "GreetJob", "--db", db)
	term.shows("delete 2 jobs? [y/N]")
	term.press("y", "Enter")
	term.shows("2 jobs deleted")
}

// TestTopWithoutATerminal: one snapshot.
func TestTopWithoutATerminal(t *testing.T) {
	t.Setenv("LATER_DB", stocked(t, newFile(t)))
	follow(t, []step{
		{words("top"), 0, "failed"},
		{words("top"), 0, "QUEUE    STATE"},
		{words("top -o json"), 0, `"problems": [`},
	})
}
