package sqlite

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

// writtenLog is a store with a write-ahead log, and the number of its frames.
func writtenLog(t *testing.T) (s *Store, path string, frames int) {
	t.Helper()
	s = inFile(t)
	jobs := []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte(`{}`)}}
	for range 20 {
		if _, err := s.Enqueue(t.Context(), jobs, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	var busy, moved int
	if err := s.db.QueryRow("PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &frames, &moved); err != nil {
		t.Fatal(err)
	}
	return s, logOf(s.path), frames
}

// TestRewritingTheLog changes no byte, and finds what is not what was written.
func TestRewritingTheLog(t *testing.T) {
	_, path, frames := writtenLog(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := rewriteLog(path, frames); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the log was changed, %v", err)
	}
	for name, offset := range map[string]int{
		"the magic number": 0, "the size of pages": 10, "a salt": 17, "the checksum of the header": 30,
		"the number of a page": logHeaderSize + 2, "a salt of a frame": logHeaderSize + 9, "a checksum": logHeaderSize + 20,
		"the first page": logHeaderSize + frameHeaderSize + 100, "the last page": logHeaderSize + frames*(frameHeaderSize+4096) - 1,
	} {
		damaged := append([]byte(nil), before...)
		damaged[offset] ^= 1
		if err := rewriteLog(temporary(t, damaged), frames); !errors.Is(err, errLogLost) {
			t.Errorf("%s is damaged: %v", name, err)
		}
	}
	for _, size := range []int{0, logHeaderSize - 1, logHeaderSize, logHeaderSize + frames*(frameHeaderSize+4096) - 1} {
		if err := rewriteLog(temporary(t, before[:size]), frames); !errors.Is(err, errLogLost) {
			t.Errorf("%d bytes of %d: %v", size, len(before), err)
		}
	}
	if err := rewriteLog(path+"-missing", frames); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a log that is not there: %v", err)
	}
	if err := rewriteLog(path+"-missing", 0); err != nil {
		t.Errorf("a log without frames: %v", err)
	}
}

func temporary(t *testing.T, content []byte) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}
