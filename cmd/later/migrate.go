package main

import (
	"github.com/spf13/cobra"

	"github.com/laterjobs/later/sqlite"
)

func (a *app) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Create the store, or bring an older one up to date",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.db == "" {
				return usagef("which store? Give --db FILE, or set LATER_DB")
			}
			store, err := sqlite.Open(a.db)
			if err != nil {
				return err
			}
			if err := store.Close(); err != nil {
				return err
			}
			return a.say("store", a.db, "up to date")
		},
	}
}
