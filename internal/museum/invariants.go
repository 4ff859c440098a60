package main

// An Invariant is what must hold whatever happens. The numbers are those of
// docs/guarantees.md, of the simulation and of the chaos run.
type Invariant struct{ Number, Says string }

// invariants are those that an exhibit breaks.
var invariants = []Invariant{
	{"I1", "an acknowledged job is never lost"},
	{"I3", "a claim is exclusive, and tokens never return"},
	{"I4", "only the current token ends a claim, once"},
	{"I5", "who may have lost its jobs stops them"},
	{"I6", "what is stored comes to its end"},
	{"I8", "infrastructure burns no attempts"},
	{"I9", "who ends processes is found out, alone"},
	{"I10", "nothing starts early"},
	{"I14", "no more run at once than was allowed"},
	{"I16", "jobs of a queue start by priority and position"},
	{"I17", "one cannot hold up another"},
	{"I18", "a cancelled job hears of it and never runs again"},
	{"I23", "only legal transitions"},
	{"I24", "what is stored comes back byte for byte, or is refused at the door"},
	{"I26", "what one job needs does not outlive it: memory, goroutines, connections and logs stay bounded"},
	{"I27", "stopping ends in time, with a report"},
	{"I28", "clocks that jump delay or hasten, and break nothing else"},
	{"I29", "nobody gets at what is not theirs"},
}
