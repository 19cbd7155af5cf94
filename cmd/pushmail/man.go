package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand writes what packages ship besides the program.
func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write manual pages and shell completions",
		Long: `Writes the manual pages and the completions for bash, zsh and fish into DIR, as a
package of an operating system has them: DIR/man/man1, DIR/bash-completion/completions,
DIR/zsh/site-functions, DIR/fish/vendor_completions.d.`,
		Example: `  pushmail man /usr/local/share        as root: for all users
  pushmail man ~/.local/share          for one`,
		Args: oneDir,
		RunE: func(cmd *cobra.Command, args []string) error { return writeShare(cmd.Root(), args[0]) },
	}
}

func oneDir(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	return usageError{fmt.Errorf("which directory? %s DIR (%s --help)", cmd.CommandPath(), cmd.CommandPath())}
}

func writeShare(root *cobra.Command, dir string) error {
	man := filepath.Join(dir, "man", "man1")
	if err := os.MkdirAll(man, 0o755); err != nil {
		return err
	}
	root.DisableAutoGenTag = true // the same input makes the same pages
	for _, c := range root.Commands() {
		if f := c.Flags().Lookup("state"); f != nil && f.DefValue != "" {
			f.DefValue = "~/.local/state/pushmail" // not that of whoever writes the page
		}
	}
	header := &doc.GenManHeader{Title: "PUSHMAIL", Section: "1", Source: "pushmail", Manual: "Push mail"}
	if err := doc.GenManTree(root, header, man); err != nil {
		return err
	}
	for _, c := range []struct {
		path  string
		write func(path string) error
	}{
		{"bash-completion/completions/pushmail", func(path string) error { return root.GenBashCompletionFileV2(path, true) }},
		{"zsh/site-functions/_pushmail", root.GenZshCompletionFile},
		{"fish/vendor_completions.d/pushmail.fish", func(path string) error { return root.GenFishCompletionFile(path, true) }},
	} {
		path := filepath.Join(dir, filepath.FromSlash(c.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := c.write(path); err != nil {
			return err
		}
	}
	return nil
}
