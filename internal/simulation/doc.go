// Package simulation runs several engines and one reference store in one bubble
// of fake time, under a driver that decides everything by a seed: in what order
// the calls to the store are applied, which of them fail, which are applied
// although their caller hears of an error, which come late; what processes crash,
// freeze, stop and start; what clocks jump, and what people ask for meanwhile.
// After every step it compares the store with what the protocol allows, and at the
// end, when nothing fails any more, everything must come to its end.
//
// The way of a call: an engine or a person calls a verb of its gate (gate.go),
// which parks the goroutine; the driver (world.go) waits until every goroutine is
// parked, takes what has arrived in an order that does not depend on who was
// first, and lets fates.go decide what becomes of it; operation.go applies it to
// the store and answers. Handlers are parked in the same way (attempt.go). Faults
// are in nemesis.go, people in people.go; check.go follows the store, and the rules are
// in steps.go, ledger.go and watch.go, those of durable steps in durable.go, of unique
// keys in unique.go and of schedules in schedules.go. Nothing else makes a goroutine run
// but the engine's own timers, so the same seed gives the same history, and its hash
// proves that.
//
// Violations are named by the invariant that they break:
//
//	I1  an acknowledged job is never lost         I2  a failed enqueue stores nothing, none stores twice
//	I3  a claim is exclusive, death is observed   I4  only the current token ends a claim, once
//	I5  who may have lost its jobs stops them     I6  what is stored comes to its end
//	I7  the dead are found in time, and only they I8  infrastructure burns no attempts
//	I9  who ends processes is found out, alone    I10 nothing starts early
//	I11 a key has one holder, who is named        I12 a tick has its job, once
//	I17 one cannot hold up another                I18 a cancelled job hears of it and never runs again
//	I19 a paused queue hands out nothing          I21 a step that is recorded is not done again
//	I22 what is repeated changes nothing          I23 only legal transitions
//	I24 a job stays what it was asked to be       I25 counts are right
//	I27 stopping ends in time, with a report
//
// After a store has been rolled back, as by a failover to a standby that lags
// behind, acknowledged jobs may be lost and processes may be declared dead wrongly;
// what is checked then is that tokens are never confused and everything ends.
//
// The subject is internal/engine and not the root package, because an engine can
// be given its random numbers; people use a JobQueue.
package simulation
