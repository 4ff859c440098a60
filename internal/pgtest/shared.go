package pgtest

import (
	"os"
	"sync"
	"testing"
)

// sharedSettings: nothing that is tested on the shared server survives it, so its
// data need not survive a loss of power either.
var sharedSettings = []string{
	"fsync=off", "synchronous_commit=on", "full_page_writes=off",
	"max_connections=300", "shared_buffers=128MB",
}

// shared is the server that the tests of this process share. The mutex guards all of it.
var shared struct {
	sync.Mutex
	running bool // Main runs, and will stop the server
	tried   bool
	cluster *cluster
	err     error
}

// Main runs the tests of a package, stops the server that they shared and exits.
// A package that uses URL calls it:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
func Main(m interface{ Run() int }) {
	shared.running = true
	code := m.Run()
	stopShared()
	os.Exit(code)
}

// URL returns the URL of a database on a server that all tests of this process
// share; every call returns the same. The role is a superuser, unless
// LATER_TEST_POSTGRES names another. The server's time zone is not UTC and it does
// not sort by bytes, on purpose.
// A test that changes more than its own schema wants Start instead.
func URL(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("LATER_TEST_POSTGRES"); url != "" {
		return url
	}
	shared.Lock()
	defer shared.Unlock()
	if !shared.running {
		t.Fatal("pgtest.URL: TestMain of this package must call pgtest.Main, which stops the server")
	}
	if !shared.tried {
		shared.tried = true
		shared.cluster, shared.err = startCluster(sharedSettings)
	}
	if shared.err != nil {
		giveUp(t, shared.err)
	}
	return shared.cluster.url()
}

func stopShared() {
	shared.Lock()
	defer shared.Unlock()
	shared.running = false
	if shared.cluster != nil {
		shared.cluster.destroy()
	}
}
