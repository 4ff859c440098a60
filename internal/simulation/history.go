package simulation

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// history is what happened, line by line. What the engines log stands beside it
// for the reader and is not part of it: goroutines log when they like.
type history struct {
	began time.Time
	mu    sync.Mutex
	lines []byte
	told  []byte // lines and logs
}

// add writes a line. Only the driver calls it.
func (h *history) add(who, format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := len(h.lines)
	h.lines = fmt.Appendf(h.lines, "%13.6f %-7s ", time.Since(h.began).Seconds(), who)
	h.lines = fmt.Appendf(h.lines, format, args...)
	h.lines = append(h.lines, '\n')
	if talkative {
		h.told = append(h.told, h.lines[from:]...)
	}
}

// talkative keeps what the engines log, for a person who looks into one seed.
var talkative bool

// Talk lets histories contain what the engines log. Call it before Run.
func Talk() { talkative = true }

func (h *history) all() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	if talkative {
		return h.told
	}
	return h.lines
}

func (h *history) hash() [32]byte { return sha256.Sum256(h.lines) }

// logger is where an engine logs.
func (h *history) logger(who string) *slog.Logger {
	if !talkative {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(&logged{h, who}, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == "stack" {
		return slog.Attr{}
	}
	return a
}

type logged struct {
	history *history
	who     string
}

func (l *logged) Write(line []byte) (int, error) {
	h := l.history
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = fmt.Appendf(h.told, "%13.6f %-7s   log: %s", time.Since(h.began).Seconds(), l.who, line)
	return len(line), nil
}
