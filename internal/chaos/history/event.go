package history

// Kind says what an event is about.
type Kind string

// What producers write. Every call is an Invoke and then, unless the process died
// first, its end.
const (
	Invoke  Kind = "invoke"  // Op, Verb, and Ops (of the jobs to enqueue), Jobs (to control) or Text (a queue)
	OK      Kind = "ok"      // Op, Jobs: the ids in the order of Ops, or those that changed
	Refused Kind = "refused" // Op: certainly nothing happened
	Unknown Kind = "unknown" // Op, Text: nobody knows whether it happened
)

// What workers write.
const (
	Joined  Kind = "joined"  // Process, Sent
	Beat    Kind = "beat"    // Process, Sent: accepted
	Start   Kind = "start"   // Job, Token, Verb (the kind of job): the handler was called
	Told    Kind = "told"    // Job, Token, Text: the handler's context ended, with this cause
	End     Kind = "end"     // Job, Token, Text: the handler returns this
	Finish  Kind = "finish"  // Jobs, Tokens, Codes: the verdicts of outcomes
	Again   Kind = "again"   // the same, of outcomes that were offered once more on purpose
	Step    Kind = "step"    // Job, Token, Verb: a durable step is behind the handler, Code: with this result
	Stall   Kind = "stall"   // Sent: the process got no processor between then and now
	Clock   Kind = "clock"   // Code: the process's clock is off by so many ns from now on
	Failed  Kind = "failed"  // Code: so many requests for the file have failed on purpose; producers write it too
	Stop    Kind = "stop"    // asked to stop
	Stopped Kind = "stopped" // Stop has returned; Text: its error, if any
)

// What the ledger writes: an effect that a handler began or ended.
const (
	EffectBegan Kind = "effect began" // Job, Token, Text: by whom
	EffectEnded Kind = "effect ended"
	StepEffect  Kind = "step effect" // Job, Token, Verb: that of a durable step
)

// What the supervisor writes.
const (
	Born  Kind = "born"  // Text: the name of the process; Verb: its host
	Died  Kind = "died"  // Text: the name of the process; Verb: how it ended
	Fault Kind = "fault" // Sent: when it began, Verb: its kind, Ops: the names of its victims, none: everyone; Text
)

// Event is one line of a history. Which fields are set depends on its kind.
type Event struct {
	At      int64    `json:"t"`
	Kind    Kind     `json:"k"`
	Op      string   `json:"op,omitempty"`
	Verb    string   `json:"v,omitempty"`
	Job     int64    `json:"j,omitempty"`
	Token   int64    `json:"tok,omitempty"`
	Process int64    `json:"p,omitempty"`
	Sent    int64    `json:"s,omitempty"`
	Code    int64    `json:"c,omitempty"`
	Text    string   `json:"x,omitempty"`
	Ops     []string `json:"ops,omitempty"`
	Jobs    []int64  `json:"js,omitempty"`
	Tokens  []int64  `json:"ts,omitempty"`
	Codes   []int64  `json:"cs,omitempty"`
}
