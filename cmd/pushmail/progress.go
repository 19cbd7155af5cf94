package main

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// manySteps is from how many steps on a progress bar is worth its line.
const manySteps = 200

// progress is a progress bar, or nothing.
type progress struct{ bar *progressbar.ProgressBar }

// progress returns a bar on standard error, if that is a terminal, there is much to do, and standard
// output is none: there the lines themselves show how it goes on.
func (a *app) progress(total int, noun string) *progress {
	_, errTerminal := terminal(a.err)
	_, outTerminal := terminal(a.out)
	if !errTerminal || outTerminal || total < manySteps {
		return &progress{}
	}
	return &progress{progressbar.NewOptions(
		total,
		progressbar.OptionSetWriter(a.err),
		progressbar.OptionSetDescription(noun),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(noun),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(30),
	)}
}

func (p *progress) step() {
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

// finish takes the bar off the terminal.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
