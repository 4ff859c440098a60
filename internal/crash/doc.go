// Package crash holds the tests that take the disk away from the SQLite store: power
// cuts at every moment of a recorded run, requests of SQLite that fail, a disk that is
// full, a file that is moved, a lock that somebody else keeps.
//
// A run of a minute or more: LATER_CRASH_IMAGES=20000 go test ./internal/crash, or
// make crash.
package crash
