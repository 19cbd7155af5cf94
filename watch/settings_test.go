package watch

import (
	"context"
	"reflect"
	"testing"

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
