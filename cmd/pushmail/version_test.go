package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestDescribeBuild(t *testing.T) {
	t.Parallel()
	settings := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-11-22T10:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}
	if got, want := describeBuild("v1.2.3", settings), "v1.2.3 commit 0123456789ab with changes of 2026-11-22T10:00:00Z, go"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := describeBuild("(devel)", nil); !strings.HasPrefix(got, "(devel), go") {
		t.Errorf("got %q", got)
	}
}
