package store

import (
	"encoding/json"
	"time"
)

// Options are what few jobs have. A store keeps them with the job as one JSON object,
// or nothing: most jobs pay nothing for what they do not use.
type Options struct {
	StartBy  time.Time                  `json:"start_by,omitzero"`  // not to be performed if it starts later
	FinishBy time.Time                  `json:"finish_by,omitzero"` // when the last attempt must have ended
	Carried  map[string]json.RawMessage `json:"carried,omitempty"`  // values of the enqueuer's context
	Unique   *Unique                    `json:"unique,omitempty"`   // the key of the job

	Schedule string    `json:"schedule,omitempty"` // the name of the schedule that enqueued the job
	Tick     time.Time `json:"tick,omitzero"`      // the instant that it was due; zero: somebody ran the schedule by hand
}

// Text is the options as a store keeps them; empty: none.
func (o *Options) Text() string {
	if o == nil {
		return ""
	}
	text, err := json.Marshal(o)
	if err != nil || string(text) == "{}" {
		return "" // they do not fail to encode: their JSON has been checked and their times are storable
	}
	return string(text)
}

// OptionsOf reads what Text has written; nil where there is nothing. Of a row that
// somebody has written by hand it takes what can be read.
func OptionsOf(text []byte) *Options {
	if len(text) == 0 {
		return nil
	}
	var o Options
	_ = json.Unmarshal(text, &o) // what does not fit is left out
	if o.Text() == "" {
		return nil
	}
	return &o
}
