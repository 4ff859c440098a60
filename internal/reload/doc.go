// Package reload holds the tests of development: a program that works is told to stop
// and a new one takes its place, every other second, as the watchers that rebuild and
// restart a program on every save do it. No job may be lost, burn an attempt, or be
// performed by two processes at once.
package reload
