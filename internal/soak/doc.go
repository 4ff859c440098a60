// Package soak holds the test of endurance: a steady load of jobs of every kind, for half
// an hour on each store, while goroutines, descriptors, connections, memory and the size
// of the database are sampled. None of them may grow. Run it with make soak.
package soak
