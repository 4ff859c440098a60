package dev

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestParseCommand(t *testing.T) {
	for line, want := range map[string]string{
		"":                      "built in /app: build . · run",
		"go run .":              "built in /app: build . · run",
		"go run ./cmd/app -x y": "built in /app: build ./cmd/app · run -x y",
		"/usr/go/bin/go run -race -tags dev ./cmd/app serve": "built in /app: build -race -tags dev ./cmd/app · run serve",
		"go run -tags=dev --trimpath . -race":                "built in /app: build -tags=dev --trimpath . · run -race",
		"go run -C sub ./x":                                  "built in /app/sub: build ./x · run",
		"go run main.go other.go a.txt":                      "built in /app: build main.go other.go · run a.txt",
		"make run":                                           "checked in /app: build ./... · run make run",
		"go tool air":                                        "checked in /app: build ./... · run go tool air",
		"go run":                                             "of which package?",
		"go run -tags":                                       "-tags: its value is missing",
		"go run -exec env .":                                 "cannot be told to stop",
		"go run example.com/x@latest":                        "published version",
	} {
		c, err := parseCommand("/app", strings.Fields(line))
		got := "checked"
		if c.built {
			got = "built"
		}
		got += " in " + filepath.ToSlash(c.dir) + ": build " + strings.Join(c.build, " ") + " · run"
		if len(c.run) > 0 {
			got += " " + strings.Join(c.run, " ")
		}
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%q: %s, want %s", line, got, want)
		}
	}
}
