package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/sqlite"
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

func (a *app) migrate(ctx context.Context, at address) error {
	store, err := at.create(ctx, postgres.WithMigration())
	if err != nil {
		return err
	}
	if err := store.Close(); err != nil {
		return err
	}
	return a.say("store", at.String(), "up to date")
}

func (a *app) printSQL(at address) error {
	text, err := sqlite.MigrationSQL()
	if isURL(at.db) {
		text, err = postgres.MigrationSQL(at.options()...)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(a.out, text)
	return err
}

func (a *app) migrateTo(ctx context.Context, at address, version int, yes bool) error {
	switch {
	case !isURL(at.db):
		return usagef("--to: a store in a file is always of the newest version; to be rid of it, delete the file")
	case version < 0:
		return usagef("--to %d: versions are 0 and above", version)
	case version == 0 && !yes:
		return usagef("--to 0 removes every job of %s, with its history; add --yes if you mean it", at)
	}
	pool, err := pgxpool.New(ctx, at.db)
	if err != nil { // it may quote the password
		return fmt.Errorf("%w: cannot read the URL of the database", later.ErrUnsuitable)
	}
	defer pool.Close()
	if err := postgres.MigrateTo(ctx, pool, version, at.options()...); err != nil {
		return err
	}
	if version == 0 {
		return a.say("store", at.String(), "removed")
	}
	return a.say("store", at.String(), "at version "+strconv.Itoa(version))
}
