package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// modules are the folders of the module, or of all modules of the workspace, and of those
// that take the place of others: replace in go.mod and go.work.
func modules(ctx context.Context, dir string) ([]string, error) {
	listed, err := ask(ctx, dir, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return nil, fmt.Errorf("find the module of %s: %w", dir, err)
	}
	roots := slices.DeleteFunc(strings.Split(strings.TrimSpace(string(listed)), "\n"), func(root string) bool { return root == "" })
	if len(roots) == 0 {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoModule)
	}
	files := []string{}
	for _, root := range roots {
		files = append(files, filepath.Join(root, "go.mod"))
	}
	workspace, err := ask(ctx, dir, "env", "GOWORK")
	if name := strings.TrimSpace(string(workspace)); err == nil && name != "" && name != "off" {
		files = append(files, name)
	}
	for _, file := range files {
		replaced, err := replacements(ctx, file)
		if err != nil {
			return nil, err
		}
		for _, folder := range replaced {
			if !slices.Contains(roots, folder) {
				roots = append(roots, folder)
			}
		}
	}
	return roots, nil
}

// replacements are the folders that a go.mod or go.work names instead of modules. It is
// read without looking for any module, which might have to be fetched.
func replacements(ctx context.Context, file string) (folders []string, err error) {
	kind := "mod"
	if filepath.Base(file) != "go.mod" {
		kind = "work"
	}
	text, err := ask(ctx, filepath.Dir(file), kind, "edit", "-json", file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	var read struct {
		Replace []struct {
			New struct{ Path, Version string }
		}
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	for _, r := range read.Replace {
		folder := filepath.FromSlash(r.New.Path)
		if r.New.Version != "" {
			continue // another module
		}
		if !filepath.IsAbs(folder) {
			folder = filepath.Join(filepath.Dir(file), folder)
		}
		if info, err := os.Stat(folder); err == nil && info.IsDir() { // else the build says what is wrong
			folders = append(folders, filepath.Clean(folder))
		}
	}
	return folders, nil
}

// ask asks the go command.
func ask(ctx context.Context, dir string, words ...string) ([]byte, error) {
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", words...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &problems
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(problems.String()))
	}
	return out.Bytes(), nil
}
