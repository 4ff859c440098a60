// Package cause finds what failures have in common, so that a thousand jobs that failed
// for one reason are one line on a page: the type of the jobs, the type of the error, and
// its message without what differs from one failure to the next. Of a panic the function
// of the program that panicked counts as well. It is pure: the same failure has the same
// cause in every process.
package cause
