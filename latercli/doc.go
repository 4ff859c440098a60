// Package latercli is the command line of later: to be mounted in your own program,
// and as it is in the command later.
//
//	root.AddCommand(latercli.Command(queue)) // myapp jobs list, myapp jobs work, …
//
// # To add a command
//
// Write a file named for it, with one method that returns it, and one for what it does:
//
//	func (a *app) statsCommand() *cobra.Command {
//		return &cobra.Command{
//			Use:   "stats",
//			Short: "Count the jobs per status and per queue",
//			Args:  cobra.NoArgs,
//			RunE:  func(cmd *cobra.Command, _ []string) error { return a.withQueue(cmd.Context(), a.stats) },
//		}
//	}
//
// Then name the method in its group in commands.go; one noun with several verbs, such as
// "queue list", is made by group. docs/commands.md lists all commands: it is written by
// go test ./latercli -run TestCommandsPage -update. What is shared:
//
//   - withQueue opens the store, or takes the queue that the command is mounted on.
//   - a.in, a.out and a.err are where to read and write: data goes to a.out, talk to a.err.
//   - table, printJSON and say print; a.json() tells for whom. What comes from a store goes
//     through printable, which table and say do by themselves, and jobs through Redact.
//   - usagef makes an error of the command line itself (exit code 2). Others are
//     returned as they are: ExitCode knows the sentinels of package later.
//
// Its tests stand in cmd/later, where laterCmd runs a command line on each kind of store.
package latercli
