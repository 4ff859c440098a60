package latercli

import "github.com/spf13/cobra"

// commandGroup is commands that help shows together.
type commandGroup struct {
	id, title string
	commands  []func(*app) *cobra.Command
}

// everywhere are the commands of a mounted and of the standalone command line.
var everywhere = []commandGroup{
	{"start", "Start:", []func(*app) *cobra.Command{
		(*app).webCommand,
	}},
	{"jobs", "Jobs:", []func(*app) *cobra.Command{
		(*app).listCommand,
		(*app).showCommand,
		(*app).logsCommand,
		(*app).waitCommand,
		(*app).countCommand,
		(*app).enqueueCommand,
		(*app).retryCommand,
		(*app).cancelCommand,
		(*app).deleteCommand,
		(*app).rescheduleCommand,
		(*app).editCommand,
		(*app).exportCommand,
		(*app).importCommand,
	}},
	{"groups", "What surrounds jobs:", []func(*app) *cobra.Command{
		(*app).errorCommand,
		(*app).queueCommand,
		(*app).processCommand,
		(*app).scheduleCommand,
		(*app).operationCommand,
		(*app).auditCommand,
	}},
	{"watch", "Watch:", []func(*app) *cobra.Command{
		(*app).topCommand,
		(*app).statsCommand,
		(*app).tailCommand,
	}},
	{"health", "Health:", []func(*app) *cobra.Command{
		(*app).whyCommand,
		(*app).doctorCommand,
	}},
	{"store", "The store:", []func(*app) *cobra.Command{
		(*app).backupCommand,
		(*app).checkCommand,
		(*app).pruneCommand,
	}},
	{"about", "About later:", []func(*app) *cobra.Command{
		(*app).typesCommand,
		(*app).schemaCommand,
		(*app).versionCommand,
	}},
}

// mountedOnly need the handlers of a program.
var mountedOnly = []commandGroup{
	{"start", "", []func(*app) *cobra.Command{
		(*app).workCommand,
	}},
	{"jobs", "", []func(*app) *cobra.Command{
		(*app).runCommand,
	}},
}

// standaloneOnly open stores of their own.
var standaloneOnly = []commandGroup{
	{"health", "", []func(*app) *cobra.Command{
		(*app).benchCommand,
	}},
	{"store", "", []func(*app) *cobra.Command{
		(*app).migrateCommand,
		(*app).moveCommand,
	}},
}

func (a *app) addCommands(root *cobra.Command) {
	add := func(groups []commandGroup) {
		for _, g := range groups {
			if g.title != "" {
				root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
			}
			for _, make := range g.commands {
				cmd := make(a)
				cmd.GroupID = g.id
				root.AddCommand(cmd)
			}
		}
	}
	add(everywhere)
	if a.program == nil {
		add(mountedOnly)
	} else {
		add(standaloneOnly)
	}
	root.SetHelpCommandGroupID("about")
	root.SetCompletionCommandGroupID("about")
}
