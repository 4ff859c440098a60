// Package store is the contract between later and a database: the types that
// travel, one interface of verbs, and the table of legal transitions. It holds
// no behaviour and imports only the standard library.
//
// A job is in exactly one place: waiting, ready, claimed or finished. Each verb
// moves jobs from one place to the next in one transaction, so that a job is
// never lost and never in two places. Liveness belongs to a process (Join,
// Beat, Leave, Recover), authority to a claim: an outcome counts only under
// the token of the claim that it ends.
//
// Every verb takes and returns batches, is safe for concurrent use by any
// number of goroutines and processes, and takes the caller's now; the zero time
// means the database's own clock. What a verb is given belongs to it for good:
// it may read it even after it has returned because the context ended. Package
// storetest is the specification in runnable form.
package store
