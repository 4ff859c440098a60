package store

import "time"

// Request asks something of a live process. The process's next heartbeat brings it,
// which a wake hastens, and the process answers.
type Request struct {
	ID        int64       `json:"id"` // random, positive; whoever asks makes it up
	ProcessID int64       `json:"process_id"`
	Kind      RequestKind `json:"kind"`
	JobID     int64       `json:"job_id,omitempty"` // of RequestStack
	By        string      `json:"by,omitempty"`     // who asks, for people
	AskedAt   time.Time   `json:"asked_at"`

	AnsweredAt time.Time `json:"answered_at,omitzero"` // zero: not yet
	Answer     string    `json:"answer,omitempty"`     // valid UTF-8 without NUL, at most MaxAnswer bytes
}

// RequestKind is what is asked.
type RequestKind string

// The requests.
const (
	RequestDrain  RequestKind = "drain"  // claim nothing more, finish what runs, and go on living
	RequestResume RequestKind = "resume" // claim again
	RequestStack  RequestKind = "stack"  // where the goroutines of a running job are
)

const (
	// RequestPatience is how long a request waits for its process. After that no
	// heartbeat brings it any more.
	RequestPatience = time.Minute
	// RequestKept is how long a request can be read, from when it was made.
	RequestKept = 15 * time.Minute
	// MaxRequests is how many requests one heartbeat brings.
	MaxRequests = 16
	// MaxAnswer bounds an answer, in bytes.
	MaxAnswer = 64 << 10
)

// Expired reports whether nobody will answer any more.
func (r Request) Expired(now time.Time) bool {
	return r.AnsweredAt.IsZero() && now.Sub(r.AskedAt) >= RequestPatience
}
