package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// programs returns the folder with the PostgreSQL programs to start.
func programs() (string, error) {
	if runtime.GOOS == "windows" {
		return "", fmt.Errorf("these tests start no PostgreSQL on Windows; set LATER_TEST_POSTGRES to the URL of one: %w", ErrMissing)
	}
	if folder := os.Getenv("LATER_TEST_POSTGRES_BIN"); folder != "" {
		return chosenPrograms(folder)
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		path, err = filepath.EvalSymlinks(path) // the others are where it is, not where its link is
		return filepath.Dir(path), err
	}
	if folder := newestOfDebian("/usr/lib/postgresql"); folder != "" {
		return folder, nil
	}
	return "", fmt.Errorf("no PostgreSQL server is installed (no initdb on PATH, none in /usr/lib/postgresql): "+
		"install one, or set LATER_TEST_POSTGRES or LATER_TEST_POSTGRES_BIN; %w", ErrMissing)
}

// chosenPrograms: whoever chose a folder does not want another, nor a skipped test.
func chosenPrograms(folder string) (string, error) {
	if !filepath.IsAbs(folder) {
		return "", fmt.Errorf("LATER_TEST_POSTGRES_BIN=%s is not an absolute path: tests run in the folders of their packages", folder)
	}
	if !isProgram(filepath.Join(folder, "initdb")) {
		return "", fmt.Errorf("LATER_TEST_POSTGRES_BIN=%s has no program initdb", folder)
	}
	return folder, nil
}

// newestOfDebian: Debian keeps each major version in a folder of its own, off PATH.
func newestOfDebian(root string) (newest string) {
	found, _ := filepath.Glob(filepath.Join(root, "*", "bin", "initdb"))
	highest := 0
	for _, path := range found {
		folder := filepath.Dir(path)
		if major, err := strconv.Atoi(filepath.Base(filepath.Dir(folder))); err == nil && major > highest && isProgram(path) {
			newest, highest = folder, major
		}
	}
	return newest
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
