//go:build unix

package faultyfs

import (
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"modernc.org/libc"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

func TestMain(m *testing.M) {
	if err := Register(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// database makes a database in a watched directory, with one connection.
func database(t *testing.T) (*sql.DB, *Disk) {
	t.Helper()
	dir := t.TempDir()
	disk := Watch(dir)
	t.Cleanup(disk.Close)
	db := openDatabase(t, dir)
	for _, statement := range []string{"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE t (x)"} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	return db, disk
}

func openDatabase(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// TestRecordingIsTheFile: what was recorded makes the files that are there.
func TestRecordingIsTheFile(t *testing.T) {
	db, disk := database(t)
	for range 50 {
		if _, err := db.Exec("INSERT INTO t VALUES (zeroblob(10000))"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("DELETE FROM t WHERE rowid < 5"); err != nil {
		t.Fatal(err)
	}
	ops := disk.Ops()
	image := Cut{At: len(ops)}.Build(ops)
	for _, name := range []string{"test.db", "test.db-wal"} {
		want, err := os.ReadFile(filepath.Join(disk.dir, name))
		if err != nil || string(want) != string(image[name]) {
			t.Errorf("%s differs from its recording: %d bytes, recorded %d, %v", name, len(want), len(image[name]), err)
		}
	}
	if _, left := image["test.db-journal"]; left || len(image) != 2 {
		t.Errorf("the image has %d files", len(image))
	}
}

// TestEveryCommitIsSynced: with synchronous=FULL nothing is open to loss after a
// commit, not even a name.
func TestEveryCommitIsSynced(t *testing.T) {
	db, disk := database(t)
	if _, err := db.Exec("INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	ops := disk.Ops()
	if open := Unsynced(ops, len(ops)); len(open) != 0 {
		t.Errorf("not synced: requests %v of %d", open, len(ops))
	}
	if _, err := db.Exec("PRAGMA synchronous=NORMAL"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO t VALUES (2)"); err != nil {
		t.Fatal(err)
	}
	ops = disk.Ops()
	if len(Unsynced(ops, len(ops))) == 0 {
		t.Error("with synchronous=NORMAL a commit seems to be synced")
	}
}

var directories atomic.Int64 // opened by SQLite, to sync them

var openDirectory uintptr // the system's

func countDirectory(tls *libc.TLS, path, result uintptr) int32 {
	directories.Add(1)
	return call(openDirectory, func(fn func(*libc.TLS, uintptr, uintptr) int32) int32 { return fn(tls, path, result) })
}

// TestDirectoriesAreSynced: the recording says when SQLite syncs the directory; the
// system calls say the same.
func TestDirectoriesAreSynced(t *testing.T) {
	tls := libc.NewTLS()
	defer tls.Close()
	name, err := libc.CString("openDirectory")
	if err != nil {
		t.Fatal(err)
	}
	defer libc.Xfree(tls, name)
	vfs := at[sqlite3.Tsqlite3_vfs](system)
	openDirectory = call2(vfs.FxGetSystemCall, tls, name)
	exchange(t, tls, name, pointer(countDirectory))
	defer exchange(t, tls, name, openDirectory)

	_, disk := database(t)
	recorded := int64(0)
	for _, op := range disk.Ops() {
		if op.Directory {
			recorded++
		}
	}
	if recorded == 0 || recorded != directories.Load() {
		t.Errorf("the directory was synced %d times, recorded %d times", directories.Load(), recorded)
	}
}

func call2(get uintptr, tls *libc.TLS, name uintptr) (found uintptr) {
	call(get, func(fn func(*libc.TLS, uintptr, uintptr) uintptr) int32 {
		found = fn(tls, system, name)
		return 0
	})
	return found
}

func exchange(t *testing.T, tls *libc.TLS, name, fn uintptr) {
	t.Helper()
	if code := call(at[sqlite3.Tsqlite3_vfs](system).FxSetSystemCall, func(set func(*libc.TLS, uintptr, uintptr, uintptr) int32) int32 {
		return set(tls, system, name, fn)
	}); code != sqlite3.SQLITE_OK {
		t.Fatalf("xSetSystemCall: %d", code)
	}
}

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault Fault
		code  int
		tries int // inserts that fail
	}{
		{"a write", Fault{Kind: Write, Nth: 1}, sqlite3.SQLITE_IOERR_WRITE, 1},
		{"half a write", Fault{Kind: Write, Nth: 2, Half: true}, sqlite3.SQLITE_IOERR_WRITE, 1},
		{"a full disk", Fault{Kind: Write, Nth: 1, Code: sqlite3.SQLITE_FULL, More: Forever}, sqlite3.SQLITE_FULL, 3},
		{"a sync", Fault{Kind: Sync, Nth: 1, File: "-wal"}, sqlite3.SQLITE_IOERR_FSYNC, 1},
		{"a sync of a file that is not used", Fault{Kind: Sync, Nth: 1, File: "-journal"}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			db, disk := database(t)
			disk.Fail(test.fault)
			failed := 0
			for range 3 {
				_, err := db.Exec("INSERT INTO t VALUES (1)")
				var failure *driver.Error
				if errors.As(err, &failure) && failure.Code() == test.code {
					failed++
				} else if err != nil {
					t.Error(err)
				}
			}
			if failed != test.tries || disk.Failed() < failed {
				t.Errorf("%d inserts failed, %d requests", failed, disk.Failed())
			}
			disk.Heal()
			if _, err := db.Exec("INSERT INTO t VALUES (1)"); err != nil {
				t.Errorf("after the fault: %v", err)
			}
		})
	}
}

func TestWhatAPowerCutLeaves(t *testing.T) {
	write := func(file, data string, offset int64) Op {
		return Op{Kind: Write, File: file, Data: []byte(data), Offset: offset}
	}
	ops := []Op{
		{Kind: Create, File: "a"},
		write("a", "abcdef", 0), // 1
		{Kind: Sync, File: "a", Directory: true},
		write("a", "XY", 2),         // 3
		write("a", "gh", 6),         // 4
		{Kind: Truncate, File: "a"}, // 5
		{Kind: Create, File: "b"},   // 6
		write("b", "b", 0),          // 7
		{Kind: Sync, File: "b"},     // its name is not durable
		{Kind: Delete, File: "a"},   // 9
		{Kind: Create, File: "a"},   // 10
		write("a", "new", 0),        // 11
		{Kind: Sync, File: "a", Failed: true},
		{Kind: Sync, File: "a"}, // writes nothing of what the failed one was to write
		{Kind: Rewrite, File: "a", Data: []byte("again")},
	}
	for _, test := range []struct {
		at       int
		unsynced []int
		lost     []int
		want     string
	}{
		{2, []int{0, 1}, nil, "a=abcdef"},
		{2, []int{0, 1}, []int{1}, "a="},
		{2, []int{0, 1}, []int{0}, ""},
		{5, []int{3, 4}, nil, "a=abXYefgh"},
		{5, []int{3, 4}, []int{4}, "a=abXYef"},
		{5, []int{3, 4}, []int{3}, "a=abcdefgh"},
		{6, []int{3, 4, 5}, []int{5}, "a=abXYefgh"},
		{9, []int{3, 4, 5, 6}, []int{6}, "a="},
		{9, []int{3, 4, 5, 6}, nil, "a= b=b"},
		{10, []int{3, 4, 5, 6, 9}, []int{5, 9}, "a=abXYefgh b=b"},
		{14, []int{3, 4, 5, 6, 9, 10, 11}, []int{11}, "a= b=b"},
		{14, []int{3, 4, 5, 6, 9, 10, 11}, nil, "a=new b=b"},
		{15, []int{6, 9, 10}, nil, "a=again b=b"},
	} {
		if got := Unsynced(ops, test.at); !slices.Equal(got, test.unsynced) {
			t.Errorf("after %d not synced: %v, want %v", test.at, got, test.unsynced)
		}
		image := Cut{At: test.at, Lost: set(test.lost)}.Build(ops)
		var parts []string
		for _, name := range []string{"a", "b"} {
			if content, ok := image[name]; ok {
				parts = append(parts, name+"="+string(content))
			}
		}
		if got := strings.Join(parts, " "); got != test.want {
			t.Errorf("after %d without %v: %q, want %q", test.at, test.lost, got, test.want)
		}
	}
}

func TestTornWrites(t *testing.T) {
	ops := []Op{
		{Kind: Create, File: "a"},
		{Kind: Sync, File: "a", Directory: true},
		{Kind: Write, File: "a", Offset: 500, Data: []byte(strings.Repeat("x", 4096))},
	}
	sizes := map[int]bool{}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		for _, cut := range Cuts(ops, 3, 4, random) {
			for _, part := range cut.Torn {
				if border := 500 + part.From; part.From > 0 && border%512 != 0 {
					t.Errorf("torn at %d", border)
				}
				sizes[len(cut.Build(ops)["a"])] = true
			}
		}
	}
	if len(sizes) < 5 {
		t.Errorf("torn to the sizes %v only", sizes)
	}
}
