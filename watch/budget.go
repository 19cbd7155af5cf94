package watch

import (
	"sync"
	"time"
)

// budget is how many connections an account uses. When the server says that there are too many, half of them have to do, for
// others use some, too, and those that were lost are counted for a while. It grows back by one each hour.
type budget struct {
	mu    sync.Mutex
	most  int       // what it begins with
	now   int       // guarded by mu: 0 means most
	cutAt time.Time // guarded by mu
	open  int       // guarded by mu: connections
}

const (
	budgetGrows = time.Hour
	budgetRests = 5 * time.Minute
)

// cut halves the budget, at most once in 5 minutes: one refusal comes seldom alone, and connections that are too many are given
// up with the next sweep only.
func (b *budget) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.cutAt.IsZero() || now.Sub(b.cutAt) >= budgetRests {
		b.now, b.cutAt = max(b.allowedLocked(now)/2, 1), now
	}
}

// allowed is how many connections may be open now.
func (b *budget) allowed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.allowedLocked(time.Now())
}

func (b *budget) allowedLocked(now time.Time) int {
	if b.now == 0 {
		return b.most
	}
	return min(b.now+int(max(now.Sub(b.cutAt), 0)/budgetGrows), b.most)
}

// add counts connections that are open. A mailbox on its own has no budget, which is nil.
func (b *budget) add(n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open += n
}

// room reports whether one more connection may be opened.
func (b *budget) room() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open < b.allowedLocked(time.Now())
}
