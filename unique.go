package later

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/store"
)

// UniqueOption says how long a unique job holds its key (UntilDone, WhileWaiting, For)
// and what becomes of a job that meets the holder (Keep, Replace, Fail).
type UniqueOption interface{ unique(*uniqueness) }

type uniqueOption func(*uniqueness)

func (o uniqueOption) unique(u *uniqueness) { o(u) }

var (
	// UntilDone: the key is held until the job is completed, failed or cancelled. This
	// is the default.
	UntilDone = scope(store.UniqueUntilDone)
	// WhileWaiting: the key is free as soon as the job is claimed, so that one can run
	// and one wait. A job that then comes back, to be retried or since its process died,
	// does not take it again.
	WhileWaiting = scope(store.UniqueWhileWaiting)
)

func scope(s store.UniqueScope) UniqueOption {
	return uniqueOption(func(u *uniqueness) { u.Scope, u.Period = s, 0 })
}

// For holds the key for a time after the job was enqueued, whatever becomes of it, its
// deletion apart. Retention keeps the job that long.
func For(period time.Duration) UniqueOption {
	return uniqueOption(func(u *uniqueness) { u.Scope, u.Period = store.UniquePeriod, period })
}

var (
	// Keep: the enqueue returns the job that holds the key, with Job.Deduplicated. This
	// is the default.
	Keep = onConflict(store.ConflictKeep)
	// Replace: a holder that waits takes over arguments, metadata, priority, time,
	// deadlines and carried values of the new job, and is returned with Job.Deduplicated
	// and Job.Replaced. If the arguments differ, it forgets the steps that it has done: they
	// were those of others. One that runs or has finished is kept as it is, and returned
	// without Job.Replaced.
	Replace = onConflict(store.ConflictReplace)
	// Fail: the enqueue stores nothing, and returns a *DuplicateError.
	Fail = onConflict(store.ConflictFail)
)

func onConflict(way store.OnConflict) UniqueOption {
	return uniqueOption(func(u *uniqueness) { u.OnConflict = way })
}

// uniqueness is what a definition says of unique keys, and a call takes over.
type uniqueness struct {
	store.UniqueRule
	key      string   // of a call; empty: none
	others   []string // what the key would be under the other keys of Encrypt
	problem  error
	compute  func(args any) string // UniqueByFunction
	computes reflect.Type          // what compute takes
}

// Unique keeps a second job of the type from being stored while there is one with the
// same key, which key makes of the arguments; of a job whose key is empty there may be
// any number. The database keeps that, whatever processes and transactions are at it at
// once. A must be the type of the definition's arguments, or an interface that it
// implements: what does not fit is reported when the definition is used. The key may be
// any text: a long one is stored as its hash.
//
//	var Reindex = later.Define[ReindexArgs]("Reindex",
//		later.Unique(func(a ReindexArgs) string { return a.Table }, later.WhileWaiting))
//
// Where another transaction has stored a job with the key and not ended, an enqueue
// waits until it has, or its context ends. A job that is performed without being stored
// (PerformNow) has nothing to do with keys.
func Unique[A any](key func(args A) string, opts ...UniqueOption) DefineOption {
	return uniqueBy(store.UniqueByFunction, opts, func(u *uniqueness) {
		u.compute, u.computes = func(args any) string { return key(args.(A)) }, reflect.TypeFor[A]()
	})
}

// UniqueArgs is Unique for jobs with the same arguments: the same JSON, whatever its
// spaces and the order of its members. Where Encrypt keeps the arguments, what is stored
// of them tells nobody what they are who has not the key.
func UniqueArgs(opts ...UniqueOption) DefineOption {
	return uniqueBy(store.UniqueByArgs, opts, func(u *uniqueness) { u.compute = nil })
}

func uniqueBy(by store.UniqueBy, opts []UniqueOption, then func(*uniqueness)) DefineOption {
	return defineOption(func(d *definition) {
		u := d.ownUniqueness()
		u.By = by
		then(u)
		if u.computes != nil && d.args != u.computes && (u.computes.Kind() != reflect.Interface || !d.args.Implements(u.computes)) {
			d.refuse("Unique has a function of %v, but the arguments are %v", u.computes, d.args)
			u.By = ""
		}
		d.refuseUnique(opts)
	})
}

// UniqueKey gives a call the key of its job: see Unique. It takes the place of what the
// definition makes of the arguments; what the options leave open is as the definition
// says. With an empty key the job is not unique.
func UniqueKey(key string, opts ...UniqueOption) CallOption {
	return callOption(func(c *Call) {
		u := c.ownUniqueness()
		u.key, u.others, u.problem = storableKey(key), nil, nil
		c.refuseUnique(opts)
	})
}

// ownUniqueness is what may be written: what is there is shared with the definition.
func (s *settings) ownUniqueness() *uniqueness {
	u := &uniqueness{}
	if s.uniqueness != nil {
		*u = *s.uniqueness
	}
	s.uniqueness = u
	return u
}

// refuseUnique applies options, and refuses what is impossible.
func (s *settings) refuseUnique(opts []UniqueOption) {
	for _, opt := range opts {
		opt.unique(s.uniqueness)
	}
	if u := s.uniqueness; u.Scope == store.UniquePeriod && u.Period <= 0 {
		s.refuse("a key cannot be unique for %v", u.Period)
	}
}

// takeKey makes the key of the arguments. A call that comes by name has them as JSON
// only.
func (c *Call) takeKey(args any) {
	if c.uniqueness == nil {
		return
	}
	u := c.ownUniqueness()
	switch u.By {
	case store.UniqueByArgs:
		raw := c.args
		if args != nil {
			raw, _ = arguments.Encode(args) // by name some may be missing, and they may be encrypted
		}
		u.key, u.others = c.definition.argsKey(raw)
	case store.UniqueByFunction:
		if u.compute == nil {
			u.problem = fmt.Errorf("the unique key of %s is made by the program that performs it: give one with UniqueKey", c.jobType)
			return
		}
		u.key = storableKey(u.compute(args))
	}
}

// argsKey is the same for arguments that mean the same. Under each key that encrypts them
// it is another.
func (d *definition) argsKey(raw json.RawMessage) (key string, others []string) {
	if len(raw) == 0 {
		return "", nil // they did not encode: the call is refused
	}
	text, err := arguments.Canonical(raw)
	if err != nil {
		return "", nil
	}
	if d == nil || d.keys == nil {
		return "args:" + digest(text), nil
	}
	macs := d.keys.MACs(text, purpose(sealedArgs, d.name))
	for i := range macs {
		macs[i] = "args-hmac:" + macs[i]
	}
	return macs[0], macs[1:]
}

// meetRotated gives calls the keys under which jobs were stored that mean the same: by a
// process that encrypts with another key. It asks only while a definition has several.
func (q *JobQueue) meetRotated(ctx context.Context, calls []Call, now time.Time) ([]Call, error) {
	var own []Call
	for i := range calls {
		u := calls[i].uniqueness
		if u == nil || len(u.others) == 0 {
			continue
		}
		for _, key := range u.others {
			_, err := q.store.Holder(ctx, calls[i].jobType, key, now)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("look whether %s is stored under another key: %w", calls[i].jobType, err)
			}
			if own == nil {
				own = slices.Clone(calls)
			}
			own[i].ownUniqueness().key = key
			break
		}
	}
	if own == nil {
		return calls, nil
	}
	return own, nil
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// storableKey is a key that every store can keep and every page can show.
func storableKey(key string) string {
	if len(key) > store.MaxKey || !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl) {
		return "sha256:" + digest([]byte(key))
	}
	return key
}

// stored is what is stored of a call's key; nil if it has none.
func (u *uniqueness) stored() *store.Unique {
	if u == nil || u.key == "" {
		return nil
	}
	s := &store.Unique{Key: u.key, Scope: u.Scope, Period: u.Period}
	if s.Scope == "" {
		s.Scope = store.UniqueUntilDone
	}
	return s
}

func (u *uniqueness) conflict() store.OnConflict {
	if u == nil {
		return store.ConflictKeep
	}
	return u.OnConflict
}
