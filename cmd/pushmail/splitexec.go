package main

import (
	"errors"
	"slices"
	"strings"
)

// splitExec cuts the command of --exec, or what follows "--", off the arguments of "pushmail watch".
// That is done before flags are parsed, so that the flags of the command stay its own.
func splitExec(args []string) (rest, argv []string, err error) {
	if len(args) == 0 || args[0] != "watch" {
		return args, nil, nil
	}
	i := slices.IndexFunc(args, func(s string) bool {
		return s == "--" || s == "--exec" || strings.HasPrefix(s, "--exec=")
	})
	if i < 0 {
		return args, nil, nil
	}
	rest, argv = args[:i], args[i+1:]
	if first, ok := strings.CutPrefix(args[i], "--exec="); ok {
		argv = append([]string{first}, argv...)
	} else if args[i] == "--exec" && len(argv) > 0 && argv[0] == "--" {
		argv = argv[1:]
	}
	if len(argv) == 0 || argv[0] == "" {
		return nil, nil, usageError{errors.New(args[i] + " needs a command after it: pushmail watch URL --exec CMD [ARG...]")}
	}
	return rest, argv, nil
}
