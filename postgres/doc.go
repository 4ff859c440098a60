// Package postgres keeps jobs in a PostgreSQL database, 14 or newer, for any number
// of processes on any number of machines.
//
// A job is in exactly one place: the table job holds what was asked, and its id is
// in waiting, ready, claimed or finished. Each step is one statement that deletes
// from one place and inserts into the next. The tables are in a schema of their own,
// "later" unless Schema names another; its views jobs, jobs_waiting, jobs_pending,
// jobs_running, jobs_finished and jobs_failed are for people.
//
// A process has at most four connections of its own besides the pool, opened when
// they are needed: one stores jobs and outcomes (requests that meet are committed
// together, in one round trip: while one is on its way, the next gathers), one claims,
// without waiting for the disk, one sends heartbeats, one listens and notifies. Reading
// and what people ask for go through the pool, so that handlers that exhaust it stop
// nothing.
//
// A claim takes the front of each line (queue, priority) with SKIP LOCKED. The store
// remembers where the living rows of each line begin, so that a claim is one seek in
// the index and not a walk over the dead entries that an old snapshot keeps vacuum
// from removing. Rows that appear behind that place, by late commits, are announced
// by the messages of whoever stored them, and found by a look at all lines that is
// repeated as often as its cost allows, at most 5 % of the time.
//
// After a commit one message (NOTIFY) tells the other processes, at most one every
// 10 ms and never in the user's transaction unless later.NotifyInTx asks for it.
// Messages are hints: without them, or behind a pooler that loses them, jobs are
// found within one poll interval.
//
// Each process that joins holds an operating-system lock on a file in the folder
// later-locks-UID, UID being the user's number, in the system's folder for temporary
// files. A lock that can be had is the proof to others of the host and user that its
// process has died; of everybody else the death is observed.
//
// The clock of the database rules, as every process last heard it: see Store.Now.
package postgres
