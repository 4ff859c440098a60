package main

import (
	"context"
	"os"
	"path/filepath"
)

func Example() {
	dir, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), filepath.Join(dir, "jobs.db")); err != nil {
		panic(err)
	}
	// Output:
	// Hello, Ada!
	// job 1 is completed
}
