package dev

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// command is how the program is built and run.
type command struct {
	dir   string   // where
	build []string // arguments of go, but for -o
	run   []string // what to run; after the file that was built, if built
	built bool     // build makes the program; otherwise it is only a check
}

// parseCommand understands go run, which is built and run apart, so that what runs is
// only replaced by what builds. Any other command is run as it is, when the packages below
// dir build.
func parseCommand(dir string, words []string) (command, error) {
	if len(words) == 0 {
		words = []string{"go", "run", "."}
	}
	if len(words) < 2 || strings.TrimSuffix(filepath.Base(words[0]), ".exe") != "go" || words[1] != "run" {
		return command{dir: dir, build: []string{"./..."}, run: words}, nil
	}
	c := command{dir: dir, built: true}
	rest := words[2:]
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		n := 1
		if !strings.Contains(rest[0], "=") && !slices.Contains(switches, strings.TrimLeft(rest[0], "-")) {
			n = 2
		}
		if len(rest) < n {
			return c, fmt.Errorf("%s: its value is missing", rest[0])
		}
		name, value, _ := strings.Cut(strings.Join(rest[:n], "="), "=")
		switch strings.TrimLeft(name, "-") {
		case "C":
			c.dir = value
			if !filepath.IsAbs(value) {
				c.dir = filepath.Join(dir, value)
			}
		case "exec":
			return c, fmt.Errorf("%s: a program that another one starts cannot be told to stop", rest[0])
		default:
			c.build = append(c.build, rest[:n]...)
		}
		rest = rest[n:]
	}
	end := 0
	for end < len(rest) && strings.HasSuffix(rest[end], ".go") {
		end++
	}
	if end == 0 {
		end = 1
	}
	if len(rest) < end {
		return c, fmt.Errorf("%s: of which package? Write go run . or go run ./cmd/app", strings.Join(words, " "))
	}
	if strings.Contains(rest[0], "@") {
		return c, fmt.Errorf("%s is a published version, which no change of a file makes another one", rest[0])
	}
	c.build = append(c.build, rest[:end]...)
	c.run = rest[end:]
	return c, nil
}

// switches are the flags of go run that take no value in the next word.
var switches = []string{
	"a", "n", "race", "msan", "asan", "cover", "v", "work", "x", "buildvcs", "json", "linkshared", "modcacherw", "trimpath",
}
