package files

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	page, same, empty := write("a.html", "<html><p>hello"), write("b.html", "<html><p>hello"), write("c", "")

	store, err := sqlite.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(new(Library).Handler())

	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, test := range []struct {
		path string
		want Result
	}{
		{page, Result{Size: 14, MIMEType: "text/html; charset=utf-8"}},
		{same, Result{Size: 14, MIMEType: "text/html; charset=utf-8", DuplicateOf: page}},
		{page, Result{Size: 14, MIMEType: "text/html; charset=utf-8"}},
		{empty, Result{SHA256: emptyHash, MIMEType: "text/plain; charset=utf-8"}},
	} {
		got, err := Process.PerformNow(t.Context(), queue, Args{test.path})
		if err != nil {
			t.Fatal(err)
		}
		if test.want.SHA256 == "" {
			test.want.SHA256 = got.SHA256
		}
		if got != test.want || len(got.SHA256) != 64 {
			t.Errorf("%s: %+v, want %+v", test.path, got, test.want)
		}
	}

	job, err := Process.PerformLater(t.Context(), queue, Args{filepath.Join(dir, "missing")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if job, err = queue.Get(t.Context(), job.ID); err != nil || job.Status != later.StatusFailed || job.Attempt != 1 {
		t.Errorf("missing file: %s after %d attempts, %v", job.Status, job.Attempt, err)
	}
}
