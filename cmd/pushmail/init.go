package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pushmail/pushmail/internal/config"
)

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR or FILE]",
		Short: "Write a configuration to start from",
		Long: `Write a configuration for "pushmail serve" to start from, with comments: pushmail.toml
here or in DIR, or FILE. Only its owner can read it. A file that is there is left alone.`,
		Example: `  pushmail init
  pushmail init /etc/pushmail`,
		Args: atMostOneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			name := config.FileName
			if len(args) == 1 {
				name = args[0]
				if info, err := os.Stat(name); err == nil && info.IsDir() {
					name = filepath.Join(name, config.FileName)
				}
			}
			if err := writeStarter(name); err != nil {
				return err
			}
			return write(a.out, fmt.Sprintf("wrote %s: edit it, then: pushmail config check %s\n", clean(name), clean(name)))
		},
	}
}

// writeStarter writes a new file.
func writeStarter(name string) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return usageError{fmt.Errorf("%s is there already, and is left as it is: name another file, or remove it first", clean(name))}
	case errors.Is(err, fs.ErrNotExist):
		return usageError{fmt.Errorf("there is no directory %s: make it first", clean(filepath.Dir(name)))}
	case err != nil:
		return err
	}
	_, err = file.Write(config.Starter)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// atMostOneFile wants no argument or one.
func atMostOneFile(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usageError{fmt.Errorf("%d arguments where at most one file is wanted (%s --help)", len(args), cmd.CommandPath())}
	}
	return nil
}

// configArgument takes the configuration as "pushmail serve" does, as an argument instead of --config.
func configArgument(config *string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := atMostOneFile(cmd, args); err != nil || len(args) == 0 {
			return err
		}
		if *config != "" {
			return usageError{fmt.Errorf("the configuration is named twice: %s and --config %s", clean(args[0]), clean(*config))}
		}
		*config = args[0]
		return nil
	}
}
