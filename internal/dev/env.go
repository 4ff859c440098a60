package dev

import (
	"os"
	"path/filepath"
	"strings"
)

// DotEnv reads the variables that the file .env of a folder sets, as far as they are
// plain: the program reads the file itself.
func DotEnv(dir string) map[string]string {
	values := map[string]string{}
	text, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil {
		return values // most programs have none
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		name, value, found := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); !found || name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		if len(value) > 0 && (value[0] == '"' || value[0] == '\'') {
			if end := strings.IndexByte(value[1:], value[0]); end >= 0 {
				value = value[1 : 1+end]
			}
		} else if before, _, comment := strings.Cut(value, " #"); comment {
			value = strings.TrimSpace(before)
		}
		values[name] = value
	}
	return values
}
