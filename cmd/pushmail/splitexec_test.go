package main

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitExec(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ args, rest, argv string }{
		{"watch URL", "watch URL", ""},
		{"watch URL --exec notify-send New", "watch URL", "notify-send New"},
		{"watch --json URL --exec sh -c x --json -v", "watch --json URL", "sh -c x --json -v"},
		{"watch URL -- cmd --exec a -- b", "watch URL", "cmd --exec a -- b"},
		{"watch URL --exec -- cmd a", "watch URL", "cmd a"},
		{"watch URL --exec=cmd a b", "watch URL", "cmd a b"},
		{"watch URL --exec-all --exec cmd", "watch URL --exec-all", "cmd"},
		{"watch URL --exec-timeout 5s", "watch URL --exec-timeout 5s", ""},
		{"list URL --exec cmd", "list URL --exec cmd", ""},
		{"__complete watch --exec cmd", "__complete watch --exec cmd", ""},
		{"", "", ""},
	} {
		rest, argv, err := splitExec(strings.Fields(test.args))
		if err != nil || !slices.Equal(rest, strings.Fields(test.rest)) || !slices.Equal(argv, strings.Fields(test.argv)) {
			t.Errorf("splitExec(%s) = %q, %q, %v; want %s and %s", test.args, rest, argv, err, test.rest, test.argv)
		}
	}
}

func TestSplitExecWantsACommand(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"watch", "URL", "--exec"}, {"watch", "URL", "--"}, {"watch", "--exec", "--"}, {"watch", "--exec="}} {
		if _, argv, err := splitExec(args); exitCode(err) != exitUsage {
			t.Errorf("splitExec(%q) = %q, %v; want a usage error", args, argv, err)
		}
	}
}
