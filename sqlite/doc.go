// Package sqlite keeps jobs in one SQLite file. Nothing has to be installed: the
// database is compiled in (modernc.org/sqlite, pure Go). Several processes on one
// host may work on one file.
//
// A job is in exactly one place: the table later_job holds what was asked, and its
// id is in later_waiting, later_ready, later_claimed or later_finished. The views
// jobs, jobs_waiting, jobs_pending, jobs_running, jobs_finished and jobs_failed
// are for people.
//
// One goroutine writes. Requests that meet are committed together: while one
// transaction is on its way to the disk, the next gathers. What must survive a
// power failure (enqueueing, outcomes, what people ask for) is committed with
// synchronous=FULL; what can be done again (claims, heartbeats, upkeep) with
// NORMAL, which a crash of the process survives as well. Every transaction of
// the writer begins with BEGIN IMMEDIATE, readers are short, and the writer moves
// the write-ahead log into the file itself, between transactions.
//
// After an error of the disk nothing more is acknowledged until the writer has a new
// connection and has proved that the write-ahead log is on the disk: see rewriteLog. A
// database that is deleted, moved or replaced while it is open is refused from then on.
//
// A commit wakes the listeners of its own process at once. Commits of others are
// seen by asking for PRAGMA data_version, when the time of the write-ahead log
// shows that it can be worth it: every millisecond when there is much to see, every
// 100 when nothing happens for seconds, and only while somebody listens.
//
// Each process that joins holds an operating-system lock on a file beside the
// database. A lock that can be had is the proof that its process has died.
package sqlite
