package dev

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWatchBySystem(t *testing.T)  { t.Parallel(); testWatch(t, false) }
func TestWatchByPolling(t *testing.T) { t.Parallel(); testWatch(t, true) }

// testWatch: what makes a program another one is reported, together if it came together,
// and nothing else.
func testWatch(t *testing.T, poll bool) {
	root := t.TempDir()
	write(t, root, "main.go", "package main")
	write(t, root, "old/old.go", "package old")
	w := newWatcher(tree{[]string{root}, []string{"*.css"}}, poll, t.Logf)
	if (w.system == nil) != poll {
		t.Skip("this system watches no files")
	}
	changes := make(chan []string)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.run(ctx, changes)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	for _, name := range []string{
		".git/x.go", ".later/jobs.db", "node_modules/a/a.go", "vendor/b/b.go", "testdata/c.go", "_old/d.go",
		"jobs.db", "jobs.db-wal", "main_test.go", ".#main.go", ".hidden.go", "tmp/page.html", "notes.txt",
	} {
		write(t, root, name, "ignored")
	}
	write(t, root, "page.tmpl", "<p>")
	write(t, root, ".env", "A=1")
	expect(t, changes, root, ".env and 1 more")
	write(t, root, "new/deep/x.go", "package deep")
	expect(t, changes, root, "new/deep/x.go")
	write(t, root, "new/deep/x.go", "package deeper")
	expect(t, changes, root, "new/deep/x.go")
	if err := os.RemoveAll(filepath.Join(root, "old")); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, root, "old/old.go")
	write(t, root, "build/tool.go", "package build")
	write(t, root, "style.css", "a{}")
	expect(t, changes, root, "build/tool.go and 1 more")
}

func write(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, changes <-chan []string, root, want string) {
	t.Helper()
	select {
	case files := <-changes:
		if got := names(files, root); got != want {
			t.Errorf("reported %s, want %s: %q", got, want, files)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("%s was not reported", want)
	}
}

func TestDotEnv(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, ".env", "# B=0\nA=1\nexport LATER_DB=\"my jobs.db\" # ours\n\nURL=postgres://h/d?x=y # theirs\nE=\nnonsense\n")
	got := DotEnv(dir)
	for name, want := range map[string]string{"A": "1", "LATER_DB": "my jobs.db", "URL": "postgres://h/d?x=y", "E": ""} {
		if value, set := got[name]; !set || value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
	if len(got) != 4 {
		t.Errorf("%q", got)
	}
}
