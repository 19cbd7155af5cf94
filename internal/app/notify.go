package app

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// What systemd is told (sd_notify(3)). Without systemd nobody is.
const (
	notifyReady    = daemon.SdNotifyReady
	notifyStopping = daemon.SdNotifyStopping
)

// notifyReloading tells that a reload begins, and when: units of Type=notify-reload want that. It ends with notifyReady.
func notifyReloading() {
	state := daemon.SdNotifyReloading
	if now := daemon.SdNotifyMonotonicUsec(); now != "" { // not on every system
		state += "\n" + now
	}
	notify(state)
}

func notify(state string) {
	_, _ = daemon.SdNotify(false, state) // nobody listens, or systemd has gone: both do not matter here
}

// watchdog tells systemd that the program lives, as often as the unit wants (WatchdogSec). What it looks at is whether the parts
// can be asked for their state: a deadlock in one of them stops the word.
func (a *App) watchdog(ctx context.Context) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	tick := time.NewTicker(every / 2)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.accounts.Names()
			a.out.Status()
			notify(daemon.SdNotifyWatchdog)
		case <-ctx.Done():
			return
		}
	}
}
