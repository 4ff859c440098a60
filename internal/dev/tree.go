package dev

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// tree is the files that make a program what it is.
type tree struct {
	roots []string
	also  []string // patterns of further names
}

// stamp tells whether a file has been written.
type stamp struct {
	size int64
	at   time.Time
}

type snapshot map[string]stamp

// sources are the names of files that are watched: the code, what it is built with, and
// what is usually embedded in it or read by it.
var sources = []string{
	"*.go", "go.mod", "go.sum", "go.work", ".env", ".env.*",
	"*.tmpl", "*.gotmpl", "*.gohtml", "*.tpl", "*.html", "*.templ", "*.sql", "*.graphql",
}

// skipped are folders of what is made, installed or fetched, and of what only tests read.
var skipped = []string{"node_modules", "bower_components", "vendor", "testdata"}

// maybeSkipped are so if no Go file is in them.
var maybeSkipped = []string{"tmp", "temp", "dist", "build", "out", "bin", "target", "coverage", "log", "logs", "venv", "__pycache__"}

// watches reports whether a file of this name is part of the program.
func (t tree) watches(name string) bool {
	if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, ".#") {
		return false
	}
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(name, ".env") {
		return false
	}
	matches := func(pattern string) bool {
		ok, err := filepath.Match(pattern, name)
		return ok && err == nil
	}
	return slices.ContainsFunc(sources, matches) || slices.ContainsFunc(t.also, matches)
}

// enters reports whether the program may have files in a folder below a root.
func (t tree) enters(path string) bool {
	name := filepath.Base(path)
	switch {
	case slices.Contains(t.roots, path):
		return true
	case strings.HasPrefix(name, "."), strings.HasPrefix(name, "_"), slices.Contains(skipped, name):
		return false
	case slices.Contains(maybeSkipped, name):
		code, err := filepath.Glob(filepath.Join(path, "*.go"))
		return len(code) > 0 && err == nil
	}
	return true
}

// scan looks at every file; each folder is told of before it is read. What vanishes
// meanwhile is not there, and what cannot be read is left out.
func (t tree) scan(folder func(path string)) snapshot {
	found := snapshot{}
	for _, root := range t.roots {
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil
			case entry.IsDir() && !t.enters(path):
				return fs.SkipDir
			case entry.IsDir():
				folder(path)
			case t.watches(entry.Name()):
				if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
					found[path] = stamp{info.Size(), info.ModTime()}
				}
			}
			return nil
		})
	}
	return found
}

// changed are the files that are in one of two snapshots only, or differ.
func changed(before, after snapshot) []string {
	files := map[string]bool{}
	for path, was := range before {
		if is, there := after[path]; !there || is.size != was.size || !is.at.Equal(was.at) {
			files[path] = true
		}
	}
	for path := range after {
		if _, there := before[path]; !there {
			files[path] = true
		}
	}
	return slices.Sorted(maps.Keys(files))
}
