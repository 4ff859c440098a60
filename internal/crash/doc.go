// Package crash holds the tests that take the disk away from the SQLite store: power
// cuts at every moment of a recorded run, requests of SQLite that fail, a disk that is
// full, a file that is moved, a lock that somebody else keeps.
//
// make crash is the long run. The environment decides: LATER_CRASH_IMAGES is the number
// of power cuts, LATER_CRASH_FAULTS the number of lives on a failing disk (from 1,000
// on each request fails in its turn), LATER_CRASH_SEED what is chosen of them.
package crash
