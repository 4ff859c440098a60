// Package chaos holds the tests that break things: real processes on one store,
// killed with real signals. It proves the promises that no test within one process
// can prove.
package chaos
