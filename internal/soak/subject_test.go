package soak

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// subject is a store under load, and how its database is looked at.
type subject struct {
	name    string
	open    func(context.Context) (store.Store, error)
	metrics []metric
	look    func(context.Context, map[string]float64) error
}

const mib = 1 << 20

// ownMetrics are those of the process.
var ownMetrics = []metric{
	{"goroutines", "", 10, 0},
	{"descriptors", "", 5, 0},
	{"heap after a collection", " MiB", 4, 0.1},
}

func lookAtSelf(values map[string]float64) {
	runtime.GC()
	runtime.GC() // what finalizers held
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	values["heap after a collection"] = float64(memory.HeapAlloc) / mib
	values["goroutines"] = float64(runtime.NumGoroutine())
	if open, err := os.ReadDir("/proc/self/fd"); err == nil { // Linux
		values["descriptors"] = float64(len(open))
	}
}

func onSQLite(t testing.TB) subject {
	path := filepath.Join(t.TempDir(), "jobs.db")
	return subject{
		name: "SQLite",
		open: func(context.Context) (store.Store, error) { return sqlite.Open(path) },
		metrics: []metric{
			{"file", " MiB", 8, 0.1},
			{"write-ahead log", " MiB", 16, 0.1},
		},
		look: func(_ context.Context, values map[string]float64) error {
			for name, file := range map[string]string{"file": path, "write-ahead log": path + "-wal"} {
				info, err := os.Stat(file)
				if errors.Is(err, fs.ErrNotExist) {
					continue // the log, after a checkpoint of the last connection
				}
				if err != nil {
					return err
				}
				values[name] = float64(info.Size()) / mib
			}
			return nil
		},
	}
}

func onPostgres(t testing.TB) subject {
	url := pgtest.Start(t).URL()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return subject{
		name: "PostgreSQL",
		open: func(ctx context.Context) (store.Store, error) { return postgres.Open(ctx, url) },
		metrics: []metric{
			{"connections", "", 3, 0},
			{"tables", " MiB", 16, 0.15},
			{"indexes", " MiB", 16, 0.15},
			{"dead rows", "", 50_000, 0.25}, // autovacuum comes once a minute
		},
		look: func(ctx context.Context, values map[string]float64) error {
			var connections, tables, indexes, dead float64
			err := conn.QueryRow(ctx, `SELECT
				(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),
				coalesce(sum(pg_table_size(relid)), 0)::bigint, coalesce(sum(pg_indexes_size(relid)), 0)::bigint, coalesce(sum(n_dead_tup), 0)::bigint
				FROM pg_stat_user_tables WHERE schemaname = 'later'`).Scan(&connections, &tables, &indexes, &dead)
			values["connections"], values["tables"], values["indexes"], values["dead rows"] = connections, tables/mib, indexes/mib, dead
			return err
		},
	}
}
