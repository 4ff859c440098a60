package sqlite_test

import (
	"flag"
	"os"
	"testing"

	"github.com/laterjobs/later/internal/leaks"
)

// TestMain: the model runs three times in the tests of this package, so each time for
// less long, unless -rapid.checks says otherwise.
func TestMain(m *testing.M) {
	_ = flag.Set("rapid.checks", "20") // it is there: storetest brings it
	os.Exit(leaks.Checked{M: m}.Run())
}
