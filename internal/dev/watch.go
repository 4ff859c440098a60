package dev

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/laterjobs/later/internal/sqlfile"
)

const (
	quiet     = 150 * time.Millisecond // without a change, before changes are reported
	impatient = 2 * time.Second        // with changes, after which they are reported all the same
	pollEvery = 500 * time.Millisecond
)

// watcher reports which files have changed. What the system tells of is only a reason
// to look: what has changed is what differs between two looks, so that the ways of
// editors, and events that are missed, do not matter.
type watcher struct {
	tree
	system *fsnotify.Watcher // nil: polling
	say    func(format string, args ...any)
	last   snapshot
}

// newWatcher begins to watch: what changes after it has returned is reported.
func newWatcher(t tree, poll bool, say func(string, ...any)) *watcher {
	w := &watcher{tree: t, say: say}
	for _, root := range t.roots {
		if reason := unwatchable(root); reason != "" && !poll {
			w.say("%s is on %s, which tells of no changes: looking every %v", root, reason, pollEvery)
			poll = true
		}
	}
	if !poll {
		var err error
		if w.system, err = fsnotify.NewWatcher(); err != nil {
			w.give(err)
		}
	}
	w.last = w.look()
	return w
}

// unwatchable names the file system of a folder if changes may come from where the
// system does not see them.
func unwatchable(path string) string {
	if name := sqlfile.Network(path); name != "" {
		return name
	}
	return mounted(path)
}

// give up on the system: poll.
func (w *watcher) give(err error) {
	w.say("the system cannot watch these files (%v): looking every %v", err, pollEvery)
	w.close()
}

func (w *watcher) close() {
	if w.system != nil {
		_ = w.system.Close() // it has nothing left to tell
		w.system = nil
	}
}

func (w *watcher) look() snapshot {
	return w.scan(func(folder string) {
		if w.system == nil {
			return
		}
		if err := w.system.Add(folder); err != nil && !os.IsNotExist(err) {
			w.give(err)
		}
	})
}

// run reports changes until ctx ends.
func (w *watcher) run(ctx context.Context, changes chan<- []string) {
	defer w.close()
	for w.poke(ctx) {
		now := w.look()
		if len(changed(w.last, now)) == 0 {
			continue
		}
		for began := time.Now(); time.Since(began) < impatient; {
			if !sleep(ctx, quiet) {
				return
			}
			again := w.look()
			settled := len(changed(now, again)) == 0
			if now = again; settled {
				break
			}
		}
		files := changed(w.last, now)
		if w.last = now; len(files) == 0 {
			continue // it is as it was
		}
		select {
		case changes <- files:
		case <-ctx.Done():
			return
		}
	}
}

// poke waits until there is a reason to look; false: ctx has ended.
func (w *watcher) poke(ctx context.Context) bool {
	for w.system != nil {
		select {
		case event, open := <-w.system.Events:
			if open && w.matters(event) {
				return true
			}
		case <-w.system.Errors: // such as more events than it could keep
			return true
		case <-ctx.Done():
			return false
		}
	}
	return sleep(ctx, pollEvery)
}

// matters leaves out what the program itself does all the time, such as write to a
// database beside its code.
func (w *watcher) matters(event fsnotify.Event) bool {
	if event.Op == fsnotify.Chmod {
		return false
	}
	if w.watches(filepath.Base(event.Name)) {
		return true
	}
	if event.Has(fsnotify.Create) {
		info, err := os.Stat(event.Name)
		return err == nil && info.IsDir() && w.enters(event.Name)
	}
	return (event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename)) && filepath.Ext(event.Name) == "" // maybe a folder
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// names lists files for people, from a folder.
func names(files []string, from string) string {
	name := func(path string) string {
		if short, err := filepath.Rel(from, path); err == nil {
			return short
		}
		return path
	}
	if len(files) == 1 {
		return name(files[0])
	}
	return fmt.Sprintf("%s and %d more", name(files[0]), len(files)-1)
}
