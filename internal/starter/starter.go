// Package starter writes the program with which later init begins. Its files are those of
// the package app, which the tests build and run.
package starter

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
)

//go:embed app/main.go app/main_test.go
var app embed.FS

// Module says how the program finds the library.
type Module struct {
	Version string // "": whatever go mod tidy takes, the newest
	Replace string // a folder with the library; "": none
}

// library is the module that the program requires.
const library = "github.com/laterjobs/later"

// ErrExists: there is a program already.
var ErrExists = errors.New("already there")

// Write writes the program into a folder, which it makes if there is none. It overwrites
// nothing: if a Go file of the program is there it writes none at all; a go.mod or a
// .gitignore that is there stays as it is. It returns the files that it has written.
func Write(dir string, m Module) (written []string, err error) {
	var there []error
	for _, name := range []string{"main.go", "main_test.go"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			there = append(there, fmt.Errorf("%s is %w", filepath.Join(dir, name), ErrExists))
		}
	}
	if len(there) > 0 {
		return nil, errors.Join(there...)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	mod, err := m.file(dir)
	if err != nil {
		return nil, err
	}
	files := []struct{ name, text string }{{"go.mod", mod}, {".gitignore", "/jobs.db*\n/.later/\n"}}
	for _, name := range []string{"main.go", "main_test.go"} {
		text, err := app.ReadFile("app/" + name)
		if err != nil {
			return nil, err
		}
		files = append(files, struct{ name, text string }{name, string(text)})
	}
	for _, f := range files {
		err := create(filepath.Join(dir, f.name), f.text)
		if errors.Is(err, fs.ErrExist) && !strings.HasSuffix(f.name, ".go") {
			continue
		}
		if err != nil {
			return written, err
		}
		written = append(written, f.name)
	}
	return written, nil
}

// create writes a file that is not there.
func create(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// file is the go.mod of a program in a folder.
func (m Module) file(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("module %s\n\ngo %s\n\ntool %s/cmd/later\n", moduleName(filepath.Base(path)), goVersion(), library)
	if m.Replace != "" {
		if path, err = filepath.Abs(m.Replace); err != nil {
			return "", err
		}
		return text + fmt.Sprintf("\nrequire %s v0.0.0\n\nreplace %[1]s => %q\n", library, path), nil
	}
	if m.Version != "" {
		text += fmt.Sprintf("\nrequire %s %s\n", library, m.Version)
	}
	return text, nil
}

// goVersion is that of the language which the library needs.
func goVersion() string {
	version, _, _ := strings.Cut(strings.TrimPrefix(runtime.Version(), "go"), " ")
	if parts := strings.SplitN(version, ".", 3); len(parts) >= 2 && !strings.ContainsFunc(parts[0]+parts[1], func(r rune) bool { return !unicode.IsDigit(r) }) {
		return parts[0] + "." + parts[1] + ".0"
	}
	return "1.26.0" // a Go of somebody's own
}

// moduleName makes a name of a folder fit for a module.
func moduleName(folder string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)), r == '-', r == '_', r == '.':
			return r
		}
		return '-'
	}, folder), ".-")
	if name == "" {
		return "app"
	}
	return name
}
