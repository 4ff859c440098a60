//go:build linux

// Command run is chaos: real processes that enqueue and perform jobs on one store
// while faults are injected, and a check of everything that they promise.
//
//	go run ./internal/chaos/run -store both -for 60m -seed 7 -report chaos.md
//
// The program starts itself again as producers, workers and a ledger of effects.
// Producers and workers write down what they do (package history), the store writes
// down every move of a job by triggers in the tables of the run, and the ledger, which
// is never attacked, what handlers really did. A nemesis injects faults by a schedule
// that its seed decides: processes are killed, frozen, stopped and cut off, the server
// is killed, the disk fills up. At the end it heals everything, waits until every job
// has ended, and checks (package check).
//
// Whose job is what: fleet.go keeps processes alive, nemesis.go says when which fault
// comes, faults.go injects it; child.go starts worker.go, producer.go and ledger.go;
// jobs.go is what there is to do; observed.go stands between a worker and its store;
// disk.go, network.go and people.go are the disk, the network and the people of a run;
// database.go, file.go and server.go are the store under attack; collect.go makes one
// history of all logs, report.go says what came of it.
//
// The seed decides what is done when. What processes do meanwhile is up to the
// machine, so that a violation may take a few runs with its seed to come again.
package main
