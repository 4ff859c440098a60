package latercli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later/docs"
	"github.com/laterjobs/later/internal/query"
)

// topics are what help explains besides commands.
var topics = []struct {
	name, short string
	text        func() string
}{
	{"query", "How to select jobs with --where", queryTopic},
	{"statuses", "The statuses of a job", statusTopic},
	{"times", "How to write times", func() string {
		return "A time is one of:\n\n" +
			"  10m, 2h30m, 3d, 1w        from now\n" +
			"  09:00                     the next time that the clock shows it\n" +
			"  today 17:00, tomorrow 09:00, friday 12:00\n" +
			"  2006-01-02                the beginning of a day\n" +
			"  2006-01-02 15:04[:05]\n" +
			"  2006-01-02T15:04:05Z      RFC 3339\n\n" +
			"Without a zone of its own it is in that of --tz, or else the local one.\n"
	}},
	{"exit-codes", "What the exit codes mean", func() string {
		var b strings.Builder
		for _, c := range exitCodes {
			fmt.Fprintf(&b, "  %3d  %s\n", c.code, c.meaning)
		}
		return b.String()
	}},
	{"environment", "The environment variables", func() string {
		return "  LATER_DB            the store, if --db is not given\n" +
			"  LATER_DEV           is set by dev for the program that it runs\n" +
			"  LATER_WEB_PASSWORD  what web asks for; needed to listen beyond this machine\n" +
			"  EDITOR, VISUAL      what edit opens\n" +
			"  NO_COLOR            no colours\n" +
			"  CLICOLOR_FORCE      colours, also into a file or a pipe\n" +
			"  TERM=dumb           no colours, and no line that is written again and again\n" +
			"  LC_ALL, LC_CTYPE, LANG: without UTF-8, texts have ASCII characters alone\n" +
			"  PGPASSWORD, PGPASSFILE, PGHOST and others of PostgreSQL: the password need not stand in the URL\n"
	}},
}

func queryTopic() string {
	return "A query is terms, all of which must match:\n\n" +
		"  --where 'status:failed,retrying type:EmailJob queued:<2h \"connection refused\"'\n\n" +
		"Fields: " + strings.Join(query.Fields, ", ") + ".\n" +
		"Commas stand between values of which one must match (queue:a,b), a minus before a term selects\n" +
		"the others (-tag:test), a star at the end is for whatever follows (type:Email*). Numbers and\n" +
		"durations can be compared (attempt:>=3, took:>30s, id:1..500). args.order.id:o-9 looks inside the\n" +
		"arguments. Times are an age (<2h: at most that old; >3d: at least), a day (2026-11-20), an RFC 3339\n" +
		"time, or a range of two (2026-11-20..2026-11-22). A value with spaces is quoted. A word alone occurs\n" +
		"in the type, the arguments or the error, or is the id.\n" +
		"The dashboard reads the same queries.\n"
}

func statusTopic() string {
	return "  scheduled  will become pending at the time shown\n" +
		"  blocked    waits for another job, a limit or a lock\n" +
		"  pending    can start now; waits for a free slot\n" +
		"  running    a process has it\n" +
		"  retrying   failed; will run again by itself at the time shown\n" +
		"  completed  finished without an error\n" +
		"  failed     out of retries, or not retryable: needs a person\n" +
		"  cancelled  stopped on request\n"
}

// addTopics makes help find the topics.
func addTopics(root *cobra.Command) {
	for _, topic := range topics {
		root.AddCommand(&cobra.Command{Use: topic.name, Short: topic.short, Long: topic.short + ":\n\n" + topic.text()})
	}
}

// addHelp makes help explain, besides commands and topics, the codes of findings and the
// pages of the documentation.
func addHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() != "help" {
			continue
		}
		cmd.Use = "help [WHAT]"
		cmd.Short = "Help about a command, a code such as L104, or a page of the documentation"
		cmd.Long = "Explain a command, a topic, the code of a finding, or print a page of the documentation:\n\n  " +
			strings.Join(documentNames(), ", ")
		cmd.Example = "  later help list\n  later help query\n  later help L104\n  later help troubleshooting"
		cmd.Run, cmd.RunE = nil, func(cmd *cobra.Command, args []string) error { return explain(root, cmd, args) }
	}
}

func explain(root, cmd *cobra.Command, args []string) error {
	found, rest, err := root.Find(args)
	if err == nil && len(rest) == 0 {
		found.InitDefaultHelpFlag()
		return found.Help()
	}
	name := strings.Join(args, " ")
	if text := docs.Finding(strings.ToUpper(name)); text != "" {
		_, err := fmt.Fprint(fit(cmd.OutOrStdout()), text)
		return err
	}
	if text, err := docs.Text(strings.TrimSuffix(name, ".md") + ".md"); err == nil {
		_, err := fmt.Fprint(fit(cmd.OutOrStdout()), text)
		return err
	}
	return usagef("there is no command, topic, code or page %q%s", name, meant(root, name, documentNames()...))
}

// documentNames are the names of the pages of the documentation, without their endings.
func documentNames() (names []string) {
	for _, name := range docs.Names() {
		names = append(names, strings.TrimSuffix(name, ".md"))
	}
	return names
}

// help shows the help of a command, whose examples begin with the name of the program.
func help(root, cmd *cobra.Command, args []string) {
	to := cmd.OutOrStdout()
	cmd.SetOut(fit(to))
	defer cmd.SetOut(to)
	if cmd.Run == nil && cmd.RunE == nil && !cmd.HasSubCommands() {
		fmt.Fprint(cmd.OutOrStdout(), cmd.Long)
		return
	}
	example := cmd.Example
	defer func() { cmd.Example = example }()
	cmd.Example = strings.ReplaceAll(example, "  later ", "  "+root.CommandPath()+" ")
	(&cobra.Command{}).HelpFunc()(cmd, args)
}
