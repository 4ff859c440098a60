package dev

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
)

// TestModules: what is built from folders beside the module is watched as well.
func TestModules(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOWORK", "")
	write(t, root, "app/go.mod", "module example.com/app\n\ngo 1.26\n\nreplace (\n\texample.com/beside => ../beside\n"+
		"\texample.com/gone => ../gone\n\texample.com/other => example.com/fork v1.2.3\n\texample.com/far => "+filepath.Join(root, "far")+"\n)\n")
	write(t, root, "beside/go.mod", "module example.com/beside\n\ngo 1.26\n")
	write(t, root, "far/go.mod", "module example.com/far\n\ngo 1.26\n")
	write(t, root, "second/go.mod", "module example.com/second\n\ngo 1.26\n")
	write(t, root, "third/go.mod", "module example.com/third\n\ngo 1.26\n")
	expect := func(names ...string) {
		t.Helper()
		found, err := modules(t.Context(), filepath.Join(root, "app"))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, name := range names {
			want = append(want, filepath.Join(root, name))
		}
		slices.Sort(found)
		if !slices.Equal(found, want) {
			t.Errorf("watches %v, expected %v", found, want)
		}
	}
	expect("app", "beside", "far")
	write(t, root, "go.work", "go 1.26\n\nuse (\n\t./app\n\t./second\n)\n\nreplace example.com/third => ./third\n")
	expect("app", "beside", "far", "second", "third")
	if _, err := modules(t.Context(), t.TempDir()); !errors.Is(err, ErrNoModule) {
		t.Errorf("a folder without a module: %v", err)
	}
}
