// Package check reads what the processes of a chaos run have written down and says
// which promises held: how often each was tested, and every time it was broken.
// Checks are pure functions over a History. The numbers I1, I2 … are those of the
// invariants that the project promises; none of the logs is trusted alone.
//
// At least once is not exactly once: an effect outside of the database may happen
// twice. Each such time has to have a cause among the faults that were injected, and
// one without a cause is a violation.
package check
