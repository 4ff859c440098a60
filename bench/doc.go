// Bench measures later and other job systems side by side, in one run on one
// machine, and prints how many times better the first of them is.
//
// The method. Every system on PostgreSQL stores its jobs in the same database server,
// which bench starts for the run with default durability; the others have a file or a
// Redis server of their own. All get the same no-op job, {"n":123} in JSON. A measure is repeated in rounds, and within a round the
// systems take turns: A B A B, so that what disturbs the machine for a while
// disturbs both. Each turn, a cell, has a database of its own, made for it and
// dropped after it; a CHECKPOINT precedes it, and a VACUUM ANALYZE the draining of
// jobs that were stored first. The table shows medians over the rounds with the least
// and the most, and the median of the ratios within a round. Processor time that
// the host took away (steal) or that programs other than bench and its server
// used is shown beside each row: a row is worth as much as those are small.
//
// later works with its default settings. The others get the best settings that
// are documented or were found, which their files name.
//
// How to run it, what each measure is and how far to trust it: README.md.
//
// main.go reads the flags and goes through measure.go, the table of measures:
// enqueue.go, drain.go, latency.go, steady.go, idle.go, queues.go and pinned.go. What
// a system must be able to do is in system.go, and each has a file, from later.go to
// node.go. server.go starts PostgreSQL, redis.go Redis, place.go makes a database for each cell, worker.go runs the processes
// that drain, load.go watches the machine, and report.go prints.
package main
