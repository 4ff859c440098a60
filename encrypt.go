package later

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/internal/envelope"
)

// Encrypt stores the arguments, the results, also those of steps, and the jobs' own logs
// of a definition under AES-256-GCM, so that whoever reads the database or a backup of
// it learns nothing from them. A key is 32 random bytes. The first key encrypts, all decrypt: to
// rotate, put the new key first and keep the old one until its jobs are gone. During a
// deployment, first give every process the new key as its last one.
//
// Arguments are checked before they are encrypted; Config.MaxArgs holds for what is
// stored, which is a third larger. Job.Args and Job.Result are then the stored form;
// Definition.Args, Result, Await and Log decrypt. Everything else of a job is stored as
// it is: metadata, tags, user and target, progress, reasons, and the texts of errors,
// which should not repeat what the arguments say.
//
// A job that is encrypted with a key that its process does not have waits, for seconds
// at first and never longer than a quarter of an hour, and uses up no attempt: the key
// may be on its way. See docs/security.md.
func Encrypt(keys ...[]byte) DefineOption {
	return defineOption(func(d *definition) {
		checked, err := envelope.NewKeys(keys...)
		if err != nil {
			d.refuse("Encrypt: %w", err)
			return
		}
		d.keys = checked
	})
}

// What is encrypted. It is bound to what it is and to the name of its type: moved to
// another place of the database it does not decrypt. It cannot be bound to the job,
// whose id nobody knows at enqueue.
const (
	sealedArgs   = "args"
	sealedResult = "result"
	sealedLog    = "log"
	sealedStep   = "step"
)

func purpose(what, jobType string) string { return what + "\x00" + jobType }

// seal encrypts a value if the definition says so.
func (d *definition) seal(what string, raw json.RawMessage) json.RawMessage {
	if d == nil || d.keys == nil || len(raw) == 0 || envelope.Is(raw) {
		return raw
	}
	return d.keys.Seal(raw, purpose(what, d.name))
}

// open decrypts a value that is encrypted. Others are older than the definition's keys.
func (d *definition) open(what string, raw json.RawMessage) (json.RawMessage, error) {
	if !envelope.Is(raw) {
		return raw, nil
	}
	purposes := []string{purpose(what, d.name)}
	for _, former := range d.former {
		purposes = append(purposes, purpose(what, former))
	}
	return d.keys.Open(raw, purposes...)
}

// sealArgs encrypts the arguments of a call. What the caller has copied from a stored
// job is encrypted already, if it belongs here.
func (c *Call) sealArgs(maxArgs int) (json.RawMessage, error) {
	if envelope.Is(c.args) {
		if c.definition == nil || c.definition.keys == nil {
			return nil, fmt.Errorf("%w for %s: they look like encrypted ones, which nothing here can decrypt", ErrInvalidArgs, c.jobType)
		}
		if _, err := c.definition.open(sealedArgs, c.args); err != nil {
			return nil, fmt.Errorf("%w for %s: %w", ErrInvalidArgs, c.jobType, err)
		}
		return c.args, nil
	}
	if c.definition == nil || c.definition.keys == nil {
		return c.args, nil
	}
	raw := c.definition.seal(sealedArgs, c.args)
	return raw, checkSize("encrypted arguments of "+c.jobType, raw, maxArgs)
}

// argsToPerform are the decoded arguments of the job that ctx belongs to, or why it
// cannot be performed. Without its key it waits: to fail it would make a mistake in one
// deployment a matter for a person at every job.
func argsToPerform[A any](ctx context.Context, d *definition, raw json.RawMessage) (A, error) {
	args, err := decodeArgs[A](d, raw)
	switch {
	case err == nil:
		return args, nil
	case errors.Is(err, ErrNoKey):
		job := Running(ctx)
		return args, Postpone(waitForKey(job.StartedAt.Sub(job.QueuedAt)), err.Error())
	}
	return args, fmt.Errorf("%w: %w", engine.ErrUnperformable, err)
}

// waitForKey is how long a job waits for its key that was enqueued so long ago: a
// quarter of its age, so that it does not cost more the longer it lasts.
func waitForKey(age time.Duration) time.Duration {
	return min(max(age/4, 10*time.Second), 15*time.Minute)
}

// sealedLine is what is encrypted of a line of a job's log.
type sealedLine struct {
	Message string          `json:"message"`
	Attrs   json.RawMessage `json:"attrs,omitempty"`
}

// hiddenMessage stands for the message of an encrypted line.
const hiddenMessage = "(encrypted)"

// maxMessage bounds the message of a log line, in bytes, as the engine does for those
// that it can read.
const maxMessage = 64 << 10

// sealLine encrypts the message and the attributes of a line, if the definition says so.
func (d *definition) sealLine(line LogLine) LogLine {
	if d == nil || d.keys == nil {
		return line
	}
	raw, err := json.Marshal(sealedLine{engine.Printable(line.Message, maxMessage), line.Attrs})
	if err != nil { // attributes that do not encode are no reason to lose the message
		raw, _ = json.Marshal(sealedLine{Message: engine.Printable(line.Message, maxMessage)})
	}
	line.Message, line.Attrs = hiddenMessage, d.seal(sealedLog, raw)
	return line
}

func (d *definition) openLine(line LogLine) (LogLine, error) {
	if !envelope.Is(line.Attrs) {
		return line, nil
	}
	raw, err := d.open(sealedLog, line.Attrs)
	if err != nil {
		return line, err
	}
	var opened sealedLine
	if err := arguments.DecodeSecret(raw, &opened); err != nil {
		return line, err
	}
	line.Message, line.Attrs = opened.Message, opened.Attrs
	return line, nil
}

// Log returns what a job of this type has logged through RunningJob.Logger, oldest
// first, decrypted if need be. JobQueue.Log returns it as it is stored.
func (d *Definition[A]) Log(ctx context.Context, q *JobQueue, id int64) ([]LogLine, error) {
	lines, err := q.Log(ctx, id)
	if err != nil {
		return nil, err
	}
	for i := range lines {
		if lines[i], err = d.core.openLine(lines[i]); err != nil {
			return nil, fmt.Errorf("log of job %d: %w", id, err)
		}
	}
	return lines, nil
}
