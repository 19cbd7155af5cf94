package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	pushmail "github.com/pushmail/pushmail/internal/app"
	"github.com/pushmail/pushmail/internal/config"
)

const configFilesHelp = `FILE is pushmail.toml unless given: here, or else in $XDG_CONFIG_HOME/pushmail,
~/.config/pushmail or /etc/pushmail. A directory stands for the pushmail.toml in it.`

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check or show the configuration of \"pushmail serve\"",
		Long:  "Check or show the configuration of \"pushmail serve\".",
		Example: `  pushmail config check
  pushmail config show /etc/pushmail`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.configCheckCommand(), a.configShowCommand())
	return cmd
}

func (a *app) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say what is wrong with a configuration",
		Long: `Say what is wrong with a configuration, all at once, with places. It reads the files
that are named there and runs nothing; no server is asked. The exit code is 1 if something
is wrong, and 0 otherwise, also with warnings.

` + configFilesHelp,
		Example: "  pushmail config check /etc/pushmail/pushmail.toml",
		Args:    atMostOneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			c, problems := a.loadConfig(args)
			if err := write(a.out, problemText(problems)); err != nil {
				return err
			}
			if c == nil {
				return tooManyErrors(problems)
			}
			return write(a.out, fmt.Sprintf("ok: %s, %s\n", count(len(c.Accounts), "account"), count(len(c.Sinks), "sink")))
		},
	}
}

func (a *app) configShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [FILE]",
		Short: "Show what holds, with all defaults",
		Long: `Show the configuration that holds: included files, defaults and all, as TOML. Of secrets it
shows where they are.

` + configFilesHelp,
		Example: "  pushmail config show",
		Args:    atMostOneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			c, problems := a.loadConfig(args)
			if text := problemText(problems); text != "" {
				fmt.Fprint(a.err, text)
			}
			if c == nil {
				return tooManyErrors(problems)
			}
			return config.Show(a.out, c)
		},
	}
}

// loadConfig reads the configuration that the arguments name, or the usual one.
func (a *app) loadConfig(args []string) (*config.Config, config.Problems) {
	return a.loadConfigAs(args, config.Options{})
}

// loadConfigOfDaemon reads the configuration of a daemon that may run as another user, with another environment.
func (a *app) loadConfigOfDaemon(file string) (*config.Config, config.Problems) {
	return a.loadConfigAs([]string{file}, config.Options{ForOthers: true})
}

func (a *app) loadConfigAs(args []string, o config.Options) (*config.Config, config.Problems) {
	o.Getenv = a.getenv
	o.Compile = pushmail.CheckRoute
	return config.Load(config.Find(strings.Join(args, ""), a.getenv), o)
}

// problemText is how problems are printed: what files and servers say cannot steer the terminal.
func problemText(problems config.Problems) string {
	var b strings.Builder
	for _, p := range problems {
		for line := range strings.SplitSeq(p.String(), "\n") {
			b.WriteString(clean(line) + "\n")
		}
	}
	return b.String()
}

func tooManyErrors(problems config.Problems) error {
	n := 0
	for _, p := range problems {
		if !p.Warning {
			n++
		}
	}
	return fmt.Errorf("%s in the configuration", count(n, "error"))
}
