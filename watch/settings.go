package watch

import (
	"context"
	"reflect"
	"slices"

	"github.com/pushmail/pushmail/imapclient"
)

// settings are the resolved Options of an account: what is its own, and the rest. A Manager has many accounts, most of which
// differ in nothing else, so they share the rest.
type settings struct {
	Account, User, Mailbox string
	Login                  func(ctx context.Context, c *imapclient.Conn) error
	Dial                   func(ctx context.Context, o *imapclient.Options) (*imapclient.Conn, error)
	Own                    *Own
	budget                 *budget
	pushed                 func()
	memory                 *memory // of summaries; nil for none in common
	*common
}

// common is what accounts share. It does not change.
type common struct {
	Options     // without what settings has
	users   int // guarded by whoever has the commons
}

// newSettings returns the settings for resolved Options, which share what they can with others in c; nil for none.
func newSettings(o *Options, c commons) settings {
	s := settings{Account: o.Account, User: o.User, Mailbox: o.Mailbox, Login: o.Login, Dial: o.Dial, Own: o.Own, budget: o.budget, pushed: o.pushed, memory: o.memory}
	rest := *o
	rest.Account, rest.User, rest.Mailbox, rest.Login, rest.Dial, rest.Own, rest.budget, rest.pushed, rest.memory = "", "", "", nil, nil, nil, nil, nil, nil
	rest.Client.Handler, rest.Client.Observer = nil, nil // they are replaced
	s.common = c.share(&rest)
	return s
}

// countPush notes that the server has told news by itself.
func (s *settings) countPush() {
	if s.pushed != nil {
		s.pushed()
	}
}

// commons has what accounts share, by the address of the server, the latest last.
type commons map[string][]*common

// maxCommons is how many are looked at for one server: where each account has something of its own, there is nothing to share.
const maxCommons = 8

// share returns what is equal to o; release gives it back.
func (c commons) share(o *Options) *common {
	list := c[o.Client.Addr]
	for _, other := range list {
		if same(reflect.ValueOf(&other.Options).Elem(), reflect.ValueOf(o).Elem()) {
			other.users++
			return other
		}
	}
	made := &common{Options: *o, users: 1}
	if c != nil {
		if len(list) == maxCommons {
			list = slices.Delete(list, 0, 1)
		}
		c[o.Client.Addr] = append(list, made)
	}
	return made
}

// release ends a use of what share has returned.
func (c commons) release(s *common) {
	if s.users--; s.users > 0 {
		return
	}
	addr := s.Client.Addr
	c[addr] = slices.DeleteFunc(c[addr], func(other *common) bool { return other == s })
	if len(c[addr]) == 0 {
		delete(c, addr)
	}
}

// same reports whether two Options, or parts of them, are known to be equal. Functions cannot be compared; of slices it must be
// the same memory.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Slice:
		return a.UnsafePointer() == b.UnsafePointer() && a.Len() == b.Len()
	case reflect.Func, reflect.Map:
		return a.IsNil() && b.IsNil()
	case reflect.Interface:
		return a.Comparable() && b.Comparable() && a.Equal(b)
	case reflect.Struct:
	default:
		return a.Equal(b)
	}
	for i := range a.NumField() {
		if !same(a.Field(i), b.Field(i)) {
			return false
		}
	}
	return true
}
