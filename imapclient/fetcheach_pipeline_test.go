package imapclient

import (
	"testing"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// While one call of a pipeline waits for its rows, those of others are read, which are kept.
func TestFetchEachInAPipelineLeavesRowsTheirMemory(t *testing.T) {
	o := Options{}
	c := newConn(nil, o.resolved())
	f := newFetching(&imap.FetchOptions{Items: imap.ItemFlags})
	f.scratch = new(imapwire.Scratch)
	c.pending = []*command{&f.command}
	if !c.useScratch(f) {
		t.Error("alone on a connection: memory is not used again")
	}
	inPipeline := &Conn{core: c.core, call: &call{}}
	if inPipeline.useScratch(f) {
		t.Error("in a pipeline: memory is used again")
	}
}
