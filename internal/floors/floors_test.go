package floors

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/laterjobs/later"

// mayImport says which packages of ours each package may import. It is the plan
// of the house: do not edit it to make a build pass.
var mayImport = map[string][]string{
	// floor 0
	"store": {},
	// floor 1
	"storetest":            {"store"},
	"sqlite":               {"store", "internal/sqlfile", "internal/processlock", "internal/listeners", "internal/named", "internal/rare", "internal/selection", "internal/tally"},
	"postgres":             {"store", "internal/processlock", "internal/listeners", "internal/named", "internal/rare", "internal/selection", "internal/tally"},
	"internal/listeners":   {"store"},
	"internal/named":       {},
	"internal/processlock": {},
	"internal/engine":      {"store", "internal/cron", "internal/cause"},
	"internal/cause":       {"store"},
	"internal/arguments":   {"internal/redact"},
	"internal/redact":      {},
	"internal/envelope":    {},
	"internal/cron":        {},
	"internal/nearest":     {},
	"internal/query":       {"store", "internal/nearest"},
	"internal/selection":   {"store"},
	"internal/rare":        {"store"},
	"internal/tally":       {"store"},
	"internal/why":         {"store", "internal/cron", "internal/nearest"}, // decides over facts of any store; the root package shows what it finds
	"internal/sqlfile":     {},
	"docs":                 {},
	"internal/floors":      {},
	"internal/crash":       {},
	"internal/faultyfs":    {},
	"internal/museum":      {},
	"internal/reload":      {},
	"internal/soak":        {},
	"internal/leaks":       {},
	"internal/pgtest":      {},
	// floor 2
	"": {"store", "internal/engine", "internal/why", "internal/arguments", "internal/cron", "internal/redact", "internal/envelope", "internal/nearest", "internal/query"},
	// floor 3
	"latertest":           {"", "store", "sqlite"},
	"dashboard":           {"", "store", "internal/query", "internal/cause", "internal/arguments", "internal/redact", "internal/cron"},
	"otel":                {"", "store", "internal/engine"},
	"internal/simulation": {"", "store", "storetest", "internal/engine"},
	// floor 4
	"latercli":               {"", "store", "dashboard", "internal/query", "internal/nearest", "internal/arguments", "internal/redact", "internal/envelope", "docs"},
	"cmd/later":              {"", "store", "sqlite", "postgres", "latercli", "dashboard", "docs", "internal/demo", "internal/dev", "internal/local", "internal/starter"},
	"internal/chaos":         {},
	"internal/chaos/history": {},
	"internal/chaos/check":   {"store"},
	"internal/chaos/run": {
		"", "store", "sqlite", "postgres", "internal/engine", "internal/pgtest", "internal/faultyfs", "internal/chaos/history", "internal/chaos/check",
	},
	"internal/pictures":    {"", "store", "sqlite", "dashboard", "docs", "internal/cause"},
	"internal/dev":         {"internal/sqlfile"},
	"internal/local":       {"", "dashboard"},
	"internal/starter":     {},
	"internal/starter/app": {"", "sqlite", "dashboard"},
	"internal/demo":        {"", "store", "sqlite", "dashboard", "docs", "internal/local", "examples/email", "examples/cleanup", "examples/batch", "examples/files"},
	"examples/quickstart":  {"", "sqlite"},
	"examples/email":       {"", "sqlite"},
	"examples/cleanup":     {"", "sqlite"},
	"examples/batch":       {"", "sqlite"},
	"examples/files":       {"", "sqlite"},
	"examples/transaction": {"", "sqlite"},
	"examples/payment":     {""},
	"examples/pgx":         {"", "postgres"},
	"examples/databasesql": {"", "postgres"},
	"examples/first":       {"", "sqlite", "dashboard"},
	"examples/comingfrom":  {""},
	"examples/recipes":     {"", "sqlite"},
	"examples/web":         {"", "sqlite", "dashboard"},
	"examples/deploy":      {"", "store", "sqlite", "postgres"},
}

// goPackage is what go list says of a package.
type goPackage struct {
	Dir        string
	ImportPath string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func TestImportsGoDown(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t) {
		name := short(p.ImportPath)
		allowed, known := mayImport[name]
		seen[name] = true
		if !known {
			t.Errorf("package %q has no floor: decide what it may import", name)
		}
		for _, imported := range p.Imports {
			if ours(imported) && !slices.Contains(allowed, short(imported)) {
				t.Errorf("package %q must not import %q", name, short(imported))
			}
		}
		checkOutside(t, name, p)
		checkDoc(t, name, p)
	}
	for name := range mayImport {
		if !seen[name] {
			t.Errorf("the plan names package %q, which does not exist", name)
		}
	}
}

// checkOutside: the contract needs the standard library only, and whoever imports
// the library links no database.
func checkOutside(t *testing.T, name string, p goPackage) {
	t.Helper()
	for _, imported := range p.Imports {
		if name == "store" && strings.Contains(imported, ".") {
			t.Errorf("store imports %s; it needs the standard library only", imported)
		}
	}
	for _, dependency := range p.Deps {
		if name == "" && (strings.Contains(dependency, "sqlite") || strings.Contains(dependency, "jackc/pgx")) {
			t.Errorf("the library links a database: %s", dependency)
		}
	}
}

// checkDoc: every package has one doc comment.
func checkDoc(t *testing.T, name string, p goPackage) {
	t.Helper()
	docs := 0
	for _, file := range p.GoFiles {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if parsed.Doc != nil {
			docs++
		}
	}
	if docs != 1 {
		t.Errorf("package %q has %d doc comments, want one", name, docs)
	}
}

func list(t *testing.T) (packages []goPackage) {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=Dir,ImportPath,GoFiles,Imports,Deps", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

func short(path string) string { return strings.TrimPrefix(strings.TrimPrefix(path, module), "/") }
