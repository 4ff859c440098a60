package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A Stage runs the tests of one module against its mutants.
type Stage struct {
	root     string
	patience time.Duration  // for one test
	sound    map[Test]error // tests that were run without a mutant, with what was wrong
}

// NewStage makes a stage for the module in root.
func NewStage(root string) *Stage {
	return &Stage{root: root, patience: 3 * time.Minute, sound: map[Test]error{}}
}

// A Verdict says what became of a mutant.
type Verdict string

// The verdicts.
const (
	Killed   Verdict = "killed"
	Survived Verdict = "SURVIVED"
	Faulty   Verdict = "FAULTY" // the exhibit itself: nothing was learned about the tests
)

// A Result is a mutant's verdict with its circumstances.
type Result struct {
	Verdict Verdict
	By      []string // the tests that failed, the innermost ones
	Err     error    // why the exhibit is faulty
	Took    time.Duration
}

func (r Result) String() string {
	switch r.Verdict {
	case Killed:
		return "`" + strings.Join(r.By, "`, `") + "`"
	case Faulty:
		return string(Faulty) + ": " + strings.Join(strings.Fields(r.Err.Error()), " ")
	}
	return string(r.Verdict)
}

// Show runs the test of a mutant, without and with it.
func (s *Stage) Show(ctx context.Context, m Mutant) Result {
	began := time.Now()
	result, err := s.show(ctx, m)
	if err != nil {
		result = Result{Verdict: Faulty, Err: err}
	}
	result.Took = time.Since(began)
	return result
}

func (s *Stage) show(ctx context.Context, m Mutant) (Result, error) {
	files, err := m.Overlay(s.root)
	if err != nil {
		return Result{}, err
	}
	if err := s.checkSound(ctx, m.Killer); err != nil {
		return Result{}, err
	}
	folder, err := os.MkdirTemp("", "museum-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(folder)
	overlay, err := writeOverlay(folder, files)
	if err != nil {
		return Result{}, err
	}
	return judge(m, s.run(ctx, m.Killer, "-count=1", "-overlay="+overlay))
}

// checkSound runs a test without a mutant, once: a test that fails anyway, or is
// skipped, or is not there, catches nothing.
func (s *Stage) checkSound(ctx context.Context, t Test) error {
	if err, known := s.sound[t]; known {
		return err
	}
	run := s.run(ctx, t)
	var err error
	if state := run.state(t); run.err != nil || state != "pass" {
		err = fmt.Errorf("without the mutant %s did not pass: %s", t, run.explain(state))
	}
	s.sound[t] = err
	return err
}

// writeOverlay stores the changed files, and what tells the go command about them.
func writeOverlay(folder string, files map[string]string) (string, error) {
	replace := map[string]string{}
	for path, text := range files {
		replace[path] = filepath.Join(folder, fmt.Sprintf("%d-%s", len(replace), filepath.Base(path)))
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(folder, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// badSQL finds that a database did not even understand a statement: wrong syntax,
// names that are not there, or types that do not go together.
var badSQL = regexp.MustCompile(`SQLSTATE 42(601|702|703|803|804|846|883|P01|P10|P18)|SQL logic error`)

// judge decides what a run of a mutant's test says of the mutant.
func judge(m Mutant, run run) (Result, error) {
	state := run.state(m.Killer)
	switch {
	case !run.built:
		return Result{}, errors.New("the mutant does not compile: " + run.output())
	case badSQL.MatchString(run.text.String()):
		return Result{}, errors.New("the SQL of the mutant does not compile: " + run.output())
	case run.timedOut:
		return Result{}, errors.New("the test ran out of time: " + run.explain(state))
	case len(run.failed()) > 0:
		return Result{Verdict: Killed, By: run.failed()}, nil
	case run.crashed && state == "run":
		return Result{Verdict: Killed, By: []string{Test{m.Killer.Package, asRun(m.Killer.Name)}.String() + " (crashes)"}}, nil
	case run.err == nil && state == "pass":
		return Result{Verdict: Survived}, nil
	}
	return Result{}, errors.New("no test failed or passed: " + run.explain(state))
}
