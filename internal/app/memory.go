package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// giveBackEvery is how often memory may be given back to the system.
const giveBackEvery = time.Minute

// giveBack gives memory back that is not needed any more: when the program holds a tenth more than after the last time, and as long as
// that is worth a tenth. Connecting takes several times as much as what comes after it.
func giveBack(ctx context.Context) {
	tick := time.NewTicker(giveBackEvery)
	defer tick.Stop()
	least, worth := uint64(0), true
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if before := held(); worth || before > least+least/10 {
			debug.FreeOSMemory()
			least = held()
			worth = least < before-before/10
		}
	}
}

// held is how much memory the program has of the system's, in bytes.
func held() uint64 {
	all := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(all)
	return all[0].Value.Uint64() - all[1].Value.Uint64()
}
