// Package files looks at files by jobs: their hash, size and MIME type, and which
// were seen before.
package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/laterjobs/later"
)

// Args are the arguments of a ProcessFileJob.
type Args struct {
	Path string `json:"path" validate:"required"`
}

// Result is what is known of the file.
type Result struct {
	SHA256      string `json:"sha256"`
	Size        int64  `json:"size"`
	MIMEType    string `json:"mime_type"`
	DuplicateOf string `json:"duplicate_of,omitempty"` // the path that was seen first
}

// Process is the definition. A file that does not exist will not appear by
// trying again.
var Process = later.DefineResult[Args, Result]("ProcessFileJob",
	later.Description("Hashes a file and finds duplicates"),
	later.Queue("files"),
	later.DiscardOn(os.ErrNotExist),
	later.Timeout(10*time.Minute))

// Library remembers which content was seen where. A program of yours would keep
// that in its database.
type Library struct {
	mu   sync.Mutex
	seen map[string]string // path by hash
}

// Handler is the handler of the job.
func (l *Library) Handler() later.Handler { return Process.Do(l.process) }

func (l *Library) process(ctx context.Context, args Args) (Result, error) {
	file, err := os.Open(args.Path)
	if err != nil {
		return Result{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Result{}, err
	}
	start := make([]byte, 512) // as much as http.DetectContentType looks at
	n, err := io.ReadFull(file, start)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return Result{}, err
	}
	hash := sha256.New()
	hash.Write(start[:n])
	if err := copyWithProgress(ctx, hash, file, int64(n), info.Size()); err != nil {
		return Result{}, fmt.Errorf("read %s: %w", args.Path, err)
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	return Result{
		SHA256: sum, Size: info.Size(), MIMEType: http.DetectContentType(start[:n]),
		DuplicateOf: l.remember(sum, args.Path),
	}, nil
}

// copyWithProgress copies in pieces, so that a cancelled job stops soon.
func copyWithProgress(ctx context.Context, to io.Writer, from io.Reader, done, total int64) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := io.CopyN(to, from, 1<<20)
		done += n
		later.Running(ctx).Progress(done, total, "bytes")
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// remember returns where the content was seen first, if not here. A job that
// runs again finds itself.
func (l *Library) remember(sum, path string) (first string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string]string{}
	}
	if first, ok := l.seen[sum]; ok && first != path {
		return first
	}
	l.seen[sum] = path
	return ""
}
