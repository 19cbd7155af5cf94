package watch

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imapclient"
)

func TestAccountsThatDifferInNothingElseShareTheirOptions(t *testing.T) {
	c, store := commons{}, &MemoryStore{}
	with := func(account string) settings {
		return newSettings(&Options{
			Account: account, User: account, Mailbox: account, Client: imapclient.Options{Addr: "example.org"}, Store: store,
			Own: &Own{}, budget: &budget{}, pushed: func() {},
			Login: func(context.Context, *imapclient.Conn) error { return nil },
			Dial:  func(context.Context, *imapclient.Options) (*imapclient.Conn, error) { return nil, nil },
		}, c)
	}
	a, b := with("a"), with("b")
	if a.common != b.common {
		t.Error("two accounts have their own copies")
	}
	if a.Account != "a" || b.Account != "b" {
		t.Errorf("accounts %q and %q", a.Account, b.Account)
	}
	c.release(a.common)
	if d := with("d"); d.common != b.common {
		t.Error("what is still used was forgotten")
	} else {
		c.release(d.common)
	}
	c.release(b.common)
	if e := with("e"); e.common == b.common {
		t.Error("what nobody uses is kept")
	}
}

func TestManyKindsOfOptionsForOneServerAreNotKept(t *testing.T) {
	c := commons{}
	var all []*common
	for range 10 * maxCommons {
		all = append(all, c.share(&Options{Store: &MemoryStore{}}))
	}
	if n := len(c[""]); n != maxCommons {
		t.Errorf("%d are looked at", n)
	}
	for _, s := range all {
		c.release(s)
	}
	if len(c) != 0 {
		t.Errorf("%v are left", c)
	}
}

// Whatever is set in one of two Options, they are not the same.
func TestEachOptionMakesADifference(t *testing.T) {
	var check func(t *testing.T, base, o *Options, field reflect.Value)
	check = func(t *testing.T, base, o *Options, v reflect.Value) {
		for i := range v.NumField() {
			f, name := v.Field(i), v.Type().Field(i).Name
			t.Run(name, func(t *testing.T) {
				switch {
				case !f.CanSet():
					return
				case f.Kind() == reflect.Struct && f.Type().PkgPath() != "time":
					check(t, base, o, f)
					return
				}
				f.Set(different(t, f.Type()))
				if same(reflect.ValueOf(base).Elem(), reflect.ValueOf(o).Elem()) {
					t.Error("it is taken for the same")
				}
				f.SetZero()
				if !same(reflect.ValueOf(base).Elem(), reflect.ValueOf(o).Elem()) {
					t.Error("it is not the same when it is as it was")
				}
			})
		}
	}
	o := &Options{}
	check(t, &Options{}, o, reflect.ValueOf(o).Elem())
}

// different returns some value of a type that is not its zero value.
func different(t *testing.T, typ reflect.Type) reflect.Value {
	v := reflect.New(typ).Elem()
	switch {
	case v.CanInt():
		v.SetInt(1)
	case v.CanUint():
		v.SetUint(1)
	case typ == reflect.TypeFor[Store]():
		v.Set(reflect.ValueOf(&MemoryStore{}))
	default:
		switch typ.Kind() {
		case reflect.Bool:
			v.SetBool(true)
		case reflect.String:
			v.SetString("x")
		case reflect.Slice:
			v.Set(reflect.MakeSlice(typ, 1, 1))
		case reflect.Pointer:
			v.Set(reflect.New(typ.Elem()))
		case reflect.Func:
			v.Set(reflect.MakeFunc(typ, nil))
		case reflect.Struct:
			v.Set(reflect.ValueOf(Everything))
		default:
			t.Fatalf("what is %v?", typ)
		}
	}
	return v
}

// Whoever adds an option decides here whether accounts share it or each has its own, in settings: one that differs from account to
// account and is not there keeps all from sharing anything, and nothing else would tell.
func TestEachOptionIsSharedOrOwn(t *testing.T) {
	shared := []string{
		"Client", "Store", "Since", "Content", "KeepTrying", "Provider", "Providers", "Hosts", "DeadPeer", "SessionLife",
		"VerifyInterval", "StaleAfter", "Remember", "Backoff", "MaxBackoff", "ClientID", "Logger",
	}
	o := &Options{}
	all := reflect.ValueOf(o).Elem()
	fill(t, all)
	s := newSettings(o, commons{})
	o.Client.Handler, o.Client.Observer = nil, nil // they are replaced
	own, common := reflect.ValueOf(&s).Elem(), reflect.ValueOf(&s.common.Options).Elem()
	for i := range all.NumField() {
		name := all.Type().Field(i).Name
		mine, isOwn := own.Type().FieldByName(name)
		isOwn = isOwn && len(mine.Index) == 1 // and not one of what is shared
		got := common.Field(i)
		if isOwn {
			got = own.FieldByIndex(mine.Index)
		}
		switch {
		case isOwn == slices.Contains(shared, name):
			t.Errorf("%s: is it a field of settings, or to be named above as shared? One of both", name)
		case isOwn && !common.Field(i).IsZero():
			t.Errorf("%s is in settings, and in what is to be shared, too", name)
		case !alike(got, all.Field(i)):
			t.Errorf("%s was lost: %v, want %v", name, got, all.Field(i))
		}
	}
}

// fill sets all fields of a struct, those of structs in it too, to something.
func fill(t *testing.T, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		f = reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem() // fields that are not exported, too
		if f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]() {
			fill(t, f)
		} else {
			f.Set(different(t, f.Type()))
		}
	}
}

// alike is same where both may have a function.
func alike(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Func:
		return a.IsNil() == b.IsNil()
	case reflect.Struct:
		for i := range a.NumField() {
			if !alike(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return same(a, b)
}
