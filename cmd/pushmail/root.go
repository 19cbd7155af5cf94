package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/internal/suggest"
)

// app is what the subcommands share.
type app struct {
	stdio
	// execArgv is the command after --exec, nil without.
	execArgv []string
}

// run is the program: it runs the command line args and returns the exit code. It returns soon after
// ctx has ended.
func run(ctx context.Context, args []string, io stdio) int {
	a := &app{stdio: io}
	err := a.run(ctx, args)
	code := exitCode(err)
	if code != exitOK {
		fmt.Fprintf(a.err, "pushmail: %s\n", explain(err))
	}
	return code
}

func (a *app) run(ctx context.Context, args []string) error {
	args, argv, err := splitExec(args)
	if err != nil {
		return err
	}
	a.execArgv = argv
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	return root.ExecuteContext(ctx)
}

// warn says something to people that does not end the program.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.err, "pushmail: "+format+"\n", args...)
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "pushmail",
		Short: "Push mail for every IMAP server",
		Long: `pushmail watches a mailbox on any IMAP server and says what happens there, as it
happens: for people, as JSON, or by running a command. It remembers where it was: what
came while it was not running, or while the network was away, is reported afterwards.`,
		Example: `  pushmail demo --for 20s                                     see it at work, without any account
  pushmail watch imaps://jo@mail.example.org/INBOX            asks for the password
  pushmail watch imaps://jo@mail.example.org --exec notify-send "New mail"
  pushmail list --limit 10 imaps://jo@mail.example.org        the last ten messages
  pushmail doctor imaps://jo@mail.example.org                 what the server can do, what is wrong`,
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          rootArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.Flags().Bool("version", false, "print the version")
	root.SetHelpCommand(helpCommand(root))
	root.SetVersionTemplate("pushmail {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(a.watchCommand(), a.listCommand(), a.doctorCommand(), a.demoCommand(),
		a.serveCommand(), a.initCommand(), a.configCommand(), a.statusCommand(), a.eventsCommand(), a.replayCommand(), a.skipCommand(),
		a.versionCommand(), a.manCommand(),
		topic("exit-codes", "What the exit codes mean", exitCodesHelp),
		topic("passwords", "Where the password comes from", passwordsHelp))
	return root
}

// topic is a text that "pushmail help NAME" shows.
func topic(name, short, text string) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, Long: text}
}

// helpCommand is cobra's, but a topic that does not exist is an error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND or TOPIC]",
		Short: "Help about a command or a topic",
		Long:  "Help about a command or a topic: pushmail help watch, pushmail help exit-codes.",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || cmd == root && len(args) > 0 || len(rest) > 0 {
				return rootArgs(root, args)
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// rootArgs handles a first word that is no command. It never repeats a URL: there may be a password in it.
func rootArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if strings.Contains(args[0], "://") {
		return usageError{errors.New("say what to do with the URL: pushmail watch URL")}
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return usageError{fmt.Errorf("there is no command or topic %q%s", clean(args[0]), didYouMean(suggest.Nearest(args[0], names), "pushmail --help"))}
}

func didYouMean(word, help string) string {
	if word == "" {
		return " (" + help + ")"
	}
	return fmt.Sprintf(": did you mean %s? (%s)", word, help)
}

// flagError explains what is wrong with a flag, and suggests the one that was meant.
func flagError(cmd *cobra.Command, err error) error {
	help := cmd.CommandPath() + " --help"
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usageError{fmt.Errorf("%s (%s)", clean(err.Error()), help)}
	}
	name := unknown.GetSpecifiedName()
	if group := unknown.GetSpecifiedShortnames(); group != "" {
		// What follows the letter may be a password that was meant for -p.
		return usageError{fmt.Errorf("there is no flag -%s (%s)", clean(name), help)}
	}
	if name == "password" || name == "passwd" || name == "pass" {
		return usageError{errors.New("there is no flag --" + name + ", since other users could read it: use --password-file or --password-command (pushmail help passwords)")}
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	suggestion := suggest.Nearest(name, names)
	if suggestion != "" {
		suggestion = "--" + suggestion
	}
	return usageError{fmt.Errorf("there is no flag --%s%s", clean(name), didYouMean(suggestion, help))}
}

// oneURL wants exactly one argument, and never repeats what it got.
func oneURL(cmd *cobra.Command, args []string) error {
	const want = "imaps://USER@HOST[:PORT]/MAILBOX"
	switch {
	case len(args) == 1:
		return nil
	case len(args) == 0:
		return usageError{fmt.Errorf("which mailbox? %s %s (%s --help)", cmd.CommandPath(), want, cmd.CommandPath())}
	}
	return usageError{fmt.Errorf("%d arguments where one is wanted, the URL %s (%s --help)", len(args), want, cmd.CommandPath())}
}

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%s takes no arguments (%s --help)", cmd.CommandPath(), cmd.CommandPath())}
}

// oneLine makes an error fit for one line on a terminal.
func oneLine(err error) string {
	return imap.Printable(strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; "))
}
