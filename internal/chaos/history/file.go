package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Writer appends events to a file. Its methods may be called from any goroutine.
type Writer struct{ file *os.File }

// Create makes the file of a new incarnation.
func Create(path string) (*Writer, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &Writer{file}, nil
}

// Write appends an event with one system call: either all of it outlives the
// process, or the line is torn.
func (w *Writer) Write(e Event) error {
	line, err := json.Marshal(e)
	if err == nil {
		_, err = w.file.Write(append(line, '\n'))
	}
	return err
}

// Sync returns when everything written survives a loss of power.
func (w *Writer) Sync() error { return w.file.Sync() }

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

// Read passes the events of a file on, in their order, without a torn last line.
func Read(path string, each func(Event)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<16)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return nil // what follows the last newline was torn
		case err != nil:
			return fmt.Errorf("read %s: %w", path, err)
		}
		var e Event
		if err := json.Unmarshal(bytes.TrimSpace(line), &e); err != nil {
			return fmt.Errorf("%s:%d: %w", path, number, err)
		}
		each(e)
	}
}
