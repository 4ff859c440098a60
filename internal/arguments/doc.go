// Package arguments encodes, decodes, checks and describes the arguments of
// jobs. Every problem is named at once, with the JSON pointer (RFC 6901) of the
// value that has it.
package arguments
