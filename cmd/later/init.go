package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/starter"
)

func initCommand() *cobra.Command {
	var replace string
	cmd := &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "Write a program that runs: a job, its handler, a dashboard, a graceful stop, a test",
		Long: "Writes go.mod, main.go, main_test.go and .gitignore into a folder, or into this one, and says what to do next.\n" +
			"It overwrites nothing.",
		Example: "  later init hello\n  later init hello --replace ~/src/later",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			if replace != "" {
				if _, err := os.Stat(filepath.Join(replace, "latertest")); err != nil {
					return usagef("--replace %s holds no checkout of later: %w", replace, err)
				}
			}
			written, err := starter.Write(dir, starter.Module{Version: released(), Replace: replace})
			if errors.Is(err, starter.ErrExists) {
				return fmt.Errorf("%w: nothing was written: %w", later.ErrConflict, err)
			}
			if err != nil {
				return err
			}
			nextSteps(cmd.OutOrStdout(), dir, written)
			return nil
		},
	}
	cmd.Flags().StringVar(&replace, "replace", "", "a folder with a checkout of later, to use instead of a release")
	return cmd
}

func nextSteps(to io.Writer, dir string, written []string) {
	fmt.Fprintf(to, "wrote %s\n\n", strings.Join(written, ", "))
	if dir != "." {
		fmt.Fprintf(to, "  cd %s\n", dir)
	}
	if !slices.Contains(written, "go.mod") {
		fmt.Fprintln(to, "  go get -tool github.com/laterjobs/later/cmd/later")
	}
	fmt.Fprint(to, "  go mod tidy          fetch what it needs\n"+
		"  go test ./...        perform its job in a test\n"+
		"  go run .             perform jobs, and show them at http://127.0.0.1:8080/jobs/\n"+
		"  go tool later dev    the same, again whenever you save a file\n")
}

// released is the version of this program if others can fetch it; empty: they cannot.
func released() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" || strings.Contains(info.Main.Version, "+dirty") {
		return ""
	}
	return info.Main.Version
}
