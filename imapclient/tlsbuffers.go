package imapclient

import (
	"bytes"
	"crypto/tls"
	"reflect"
)

// tlsBuffers are where a tls.Conn puts what it reads: bytes of the wire, and messages of the handshake. It keeps them as large as
// the largest so far, some 3 KB after a post-quantum key exchange: a third of what an idle connection takes. So
// they are lent to it while it is active. There is no call for that; they are found by name and type, and where a release
// of Go has other ones, it has its own.
type tlsBuffers struct{ raw, hand bytes.Buffer }

// tlsFields are the indexes of the fields rawInput, hand and input, or nil.
var tlsFields = func() (fields []int) {
	t := reflect.TypeFor[tls.Conn]()
	for _, want := range []struct {
		name string
		kind reflect.Type
	}{
		{"rawInput", reflect.TypeFor[bytes.Buffer]()},
		{"hand", reflect.TypeFor[bytes.Buffer]()},
		{"input", reflect.TypeFor[bytes.Reader]()},
	} {
		f, ok := t.FieldByName(want.name)
		if !ok || f.Type != want.kind {
			return nil
		}
		fields = append(fields, f.Index[0])
	}
	return fields
}()

// lend gives t the buffers in place of its own. Nobody may be reading from t; for nil it does nothing.
func (b *tlsBuffers) lend(t *tls.Conn) {
	if raw, hand, ok := emptyBuffers(t); ok {
		*raw, *hand = b.raw, b.hand
		*b = tlsBuffers{}
	}
}

// takeBack undoes lend, unless t is in the middle of something.
func (b *tlsBuffers) takeBack(t *tls.Conn) {
	if raw, hand, ok := emptyBuffers(t); ok {
		b.raw, b.hand = *raw, *hand
		*raw, *hand = bytes.Buffer{}, bytes.Buffer{}
	}
}

// emptyBuffers returns the buffers of t if nothing is in them.
func emptyBuffers(t *tls.Conn) (raw, hand *bytes.Buffer, ok bool) {
	if t == nil || tlsFields == nil {
		return nil, nil, false
	}
	v := reflect.ValueOf(t).Elem()
	raw = (*bytes.Buffer)(v.Field(tlsFields[0]).Addr().UnsafePointer())
	hand = (*bytes.Buffer)(v.Field(tlsFields[1]).Addr().UnsafePointer())
	input := (*bytes.Reader)(v.Field(tlsFields[2]).Addr().UnsafePointer()) // reads what is decrypted, which lies in raw
	if raw.Len() > 0 || hand.Len() > 0 || input.Len() > 0 {
		return nil, nil, false
	}
	input.Reset(nil)
	raw.Reset()
	hand.Reset()
	return raw, hand, true
}
