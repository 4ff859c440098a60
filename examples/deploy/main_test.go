package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// TestMain is the worker itself where TestTermination starts it.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_WORKER") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestTermination ends a worker with SIGTERM in the middle of a job and starts another:
// the job goes on where it was, and has lost no attempt.
func TestTermination(t *testing.T) {
	db := filepath.Join(t.TempDir(), "jobs.db")
	s, err := sqlite.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	queue := later.New(s, later.Config{})
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	job, err := Reindex.PerformLater(t.Context(), queue, ReindexArgs{Documents: 10})
	if err != nil {
		t.Fatal(err)
	}

	worker, url := started(t, db)
	for path, want := range map[string]int{"/alive": 200, "/ready": 200, "/latency": 200, "/": 404} {
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	for moved := false; !moved; {
		steps, err := queue.Steps(ctx, job.ID)
		if err != nil {
			t.Fatalf("the job does not get ahead: %v", err)
		}
		moved = len(steps) > 0
		time.Sleep(10 * time.Millisecond)
	}
	began := time.Now()
	if err := worker.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := worker.Wait(); err != nil || time.Since(began) > 15*time.Second { // it could wait for 30 s
		t.Errorf("ended after %v: %v", time.Since(began), err)
	}
	if job, err = queue.Get(t.Context(), job.ID); err != nil || job.Status != later.StatusPending || job.Attempt != 0 {
		t.Errorf("the job is %s after %d attempts: %v", job.Status, job.Attempt, err)
	}

	started(t, db)
	if job, err = queue.Wait(ctx, job.ID); err != nil || job.Status != later.StatusCompleted || job.Attempt != 1 {
		t.Errorf("the job is %s after %d attempts: %v", job.Status, job.Attempt, err)
	}
}

// started starts the worker and reads where its probes are.
func started(t *testing.T, db string) (*exec.Cmd, string) {
	t.Helper()
	worker := exec.CommandContext(t.Context(), os.Args[0], "-listen", "127.0.0.1:0") // killed when the test ends
	worker.Env = append(os.Environ(), "TEST_AS_WORKER=1", "LATER_DB="+db)
	log, err := worker.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the worker said %q: %v", line, err)
		}
		if _, address, ok := strings.Cut(strings.TrimSpace(line), "probes="); ok {
			return worker, "http://" + address
		}
	}
}

func TestEnvironmentIsChecked(t *testing.T) {
	if err := run(t.Context(), "", "", false); err == nil || !strings.Contains(err.Error(), "LATER_DB is not set") {
		t.Error(err)
	}
}

// patience is what must fit between SIGTERM and SIGKILL: the defaults of Config, the
// second that Stop may take longer, and one to close the store.
const patience = 30 + 10 + 1 + 1

// TestManifests: they are YAML, and their times and probes are those of the worker.
func TestManifests(t *testing.T) {
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		var manifest struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string
			Spec       struct {
				Selector struct {
					MatchLabels map[string]string `yaml:"matchLabels"`
				}
				Template struct {
					Metadata struct{ Labels map[string]string }
					Spec     struct {
						Grace      int                       `yaml:"terminationGracePeriodSeconds"`
						Migrating  []struct{ Args []string } `yaml:"initContainers"`
						Containers []struct {
							Args           []string
							Ports          []struct{ Name string }
							LivenessProbe  probe `yaml:"livenessProbe"`
							ReadinessProbe probe `yaml:"readinessProbe"`
						}
					}
				}
			}
		}
		if err := yaml.Unmarshal([]byte(read(t, file)), &manifest); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if manifest.APIVersion == "" || manifest.Spec.Selector.MatchLabels["app"] != "worker" {
			t.Errorf("%s: %+v", file, manifest)
		}
		if manifest.Kind != "Deployment" {
			continue
		}
		pod := manifest.Spec.Template.Spec
		if pod.Grace < patience {
			t.Errorf("%d s of grace; at least %d are needed", pod.Grace, patience)
		}
		container := pod.Containers[0]
		for path, probe := range map[string]probe{"/alive": container.LivenessProbe, "/ready": container.ReadinessProbe} {
			if probe.HTTPGet.Path != path || probe.HTTPGet.Port != container.Ports[0].Name {
				t.Errorf("probe %s: %+v", path, probe)
			}
		}
		if manifest.Spec.Template.Metadata.Labels["app"] != "worker" || pod.Migrating[0].Args[0] != "-migrate" {
			t.Errorf("%s: %+v", file, manifest.Spec.Template)
		}
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

// TestDockerfile: no cgo, and no shell between the worker and its SIGTERM.
func TestDockerfile(t *testing.T) {
	for _, line := range []string{
		"RUN CGO_ENABLED=0 go build -ldflags=-s -o /worker ./examples/deploy\n", `ENTRYPOINT ["/worker"]` + "\n",
	} {
		if !strings.Contains(read(t, "Dockerfile"), line) {
			t.Errorf("the Dockerfile lacks %q", line)
		}
	}
}

// TestUnit: systemd understands the unit, and waits long enough.
func TestUnit(t *testing.T) {
	unit := read(t, "worker.service")
	limit, err := strconv.Atoi(regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(unit)[1])
	if err != nil || limit < patience {
		t.Errorf("TimeoutStopSec %d; at least %d s are needed", limit, patience)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	path := filepath.Join(t.TempDir(), "worker.service")
	unit = strings.Replace(unit, "/usr/local/bin/worker", "/bin/true", 1) // it must exist
	if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput()
	if err != nil || strings.Contains(string(out), filepath.Base(path)) {
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
