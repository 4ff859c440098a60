// Package cron reads recurring rules and says when they are next due: crontab
// expressions in a time zone, and intervals. parse.go reads an expression,
// field.go one field of it, match.go finds days and times on a calendar, and next.go
// the instants at which clocks show them.
//
// # Clock changes
//
// A rule that names hours means times on the clock, and each of them is due once a
// day. One that the clocks skip is due at the first instant after the gap; several that
// fall into the same gap are due there together, once. One that the clocks show twice
// is due the first time.
//
// A rule with * in its minute or hour field (steps such as */15 and */2 included) goes on
// by real time instead: what the clocks show twice is due both times, so that "every
// 15 minutes" has no pause in autumn. What they skip is due after the gap all the same,
// unless the rule is one of every hour, which has only to go on.
//
// It is the rule of Vixie's cron, but for one thing: that one passes over what
// */15 2 * * * means on a day whose clocks skip that hour; here it is due once.
//
// The zones are those of the machine or, where it has none, those of Go's release,
// which are part of every program that uses this package (450 kB): a schedule that works
// on the desk must not fail in a container.
package cron
