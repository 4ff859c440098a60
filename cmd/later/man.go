package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand is for those who make packages: people read help. It is here, and not in
// package latercli, so that programs which mount that do not link what writes pages.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man FOLDER",
		Short:   "Write the manual pages of all commands",
		Example: "  later man /usr/local/share/man/man1",
		Hidden:  true,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // the same pages whenever they are made
			header := &doc.GenManHeader{Section: "1", Source: "later", Manual: "later: background jobs"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("write manual pages into %s: %w", args[0], err)
			}
			pages, err := os.ReadDir(args[0])
			if err != nil {
				return err
			}
			written := 0
			for _, page := range pages {
				if strings.HasPrefix(page.Name(), "later") {
					written++
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d pages in %s; see: man %s/later.1\n", written, args[0], strings.TrimRight(args[0], "/"))
			return nil
		},
	}
}
