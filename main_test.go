package later_test

import (
	"os"
	"testing"

	"github.com/laterjobs/later/internal/leaks"
)

func TestMain(m *testing.M) { os.Exit(leaks.Checked{M: m}.Run()) }
