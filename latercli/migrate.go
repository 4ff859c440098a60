package latercli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

func (a *app) migrateCommand() *cobra.Command {
	var sql, yes bool
	var version int
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Create the store, or bring an older one up to date",
		Example: "  later migrate --db jobs.db\n  later migrate --db postgres://ada@host/jobs --schema later\n" +
			"  later migrate --db postgres://ada@host/jobs --sql >later.sql",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := a.address()
			if err != nil {
				return err
			}
			given := cmd.Flags().Changed("to")
			switch {
			case sql && given:
				return usagef("--sql and --to exclude each other")
			case sql:
				return a.printSQL(at)
			case given:
				return a.migrateTo(cmd.Context(), at, version, yes)
			}
			return a.migrate(cmd.Context(), at)
		},
	}
	cmd.Flags().BoolVar(&sql, "sql", false, "print what would be run on an empty database, and run nothing")
	cmd.Flags().IntVar(&version, "to", 0, "go to this version, up or down; 0 removes everything (PostgreSQL)")
	cmd.Flags().BoolVar(&yes, "yes", false, "do remove everything")
	return cmd
}

func (a *app) migrate(ctx context.Context, at Address) error {
	store, err := at.Create(ctx, true)
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	return a.say("store", at.String(), "up to date")
}

func (a *app) printSQL(at Address) error {
	text, err := at.MigrationSQL()
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(whole(a.out), text)
	return err
}

func (a *app) migrateTo(ctx context.Context, at Address, version int, yes bool) error {
	switch {
	case version < 0:
		return usagef("--to %d: versions are 0 and above", version)
	case version == 0 && !yes:
		return usagef("--to 0 removes every job of %s, with its history; add --yes if you mean it", at)
	}
	if err := at.MigrateTo(ctx, version); err != nil {
		return err
	}
	if version == 0 {
		return a.say("store", at.String(), "removed")
	}
	return a.say("store", at.String(), "at version "+strconv.Itoa(version))
}
