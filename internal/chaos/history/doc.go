// Package history is what the processes of a chaos run write down, and how it is
// read again. Every process appends events to a file of its own, one JSON object a
// line, each with one write: what has been written survives the process, and a line
// that its death tore is dropped. All times are nanoseconds of the machine's
// monotonic clock, which its processes share and nobody can set.
package history
