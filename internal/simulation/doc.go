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
// are in nemesis.go, people in people.go, and the rules in check.go, ledger.go and
// watch.go. Nothing else makes a goroutine run but the engine's own timers, so the
// same seed gives the same history, and its hash proves that.
//
// The subject is internal/engine and not the root package, because an engine can
// be given its random numbers; people use a JobQueue.
package simulation
