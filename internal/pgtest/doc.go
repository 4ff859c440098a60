// Package pgtest gives tests real PostgreSQL servers: one that the tests of a
// package share (URL, which needs Main), servers of a test's own that may be
// killed (Start), a connection pooler in front of a server (Bouncer), and a
// network that fails on purpose (NewProxy).
//
// The environment decides which server:
//
//	LATER_TEST_POSTGRES          the URL of a server to share, instead of an own one
//	LATER_TEST_POSTGRES_BIN      the folder with the PostgreSQL programs to start
//	LATER_TEST_REQUIRE_POSTGRES  1: a test that finds no PostgreSQL fails instead of being skipped
//
// Servers listen on the loopback interface only, trust everyone, keep their data
// in a temporary folder, and die with the test process.
package pgtest
