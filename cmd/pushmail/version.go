package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Long:    "Print the version of pushmail, the commit it was built from, and the Go release.",
		Example: "  pushmail version",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return write(a.out, "pushmail "+versionText()+"\n") },
	}
}

// moduleVersion is the version of the module: "v0.3.0", or "(devel)" for a build from a work tree.
func moduleVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// versionText is what "pushmail version" prints.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return describeBuild(moduleVersion(), info.Settings)
}

func describeBuild(version string, settings []debug.BuildSetting) string {
	vcs := map[string]string{}
	for _, s := range settings {
		if name, ok := strings.CutPrefix(s.Key, "vcs."); ok {
			vcs[name] = s.Value
		}
	}
	text := version
	if rev := vcs["revision"]; rev != "" {
		text += " commit " + rev[:min(len(rev), 12)]
		if vcs["modified"] == "true" {
			text += " with changes"
		}
		if vcs["time"] != "" {
			text += " of " + vcs["time"]
		}
	}
	return fmt.Sprintf("%s, %s %s/%s", text, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
