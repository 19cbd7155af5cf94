package bodies

import (
	"context"
	"hash/crc32"
	"io"

	goimap "github.com/emersion/go-imap/v2"
	goimapclient "github.com/emersion/go-imap/v2/imapclient"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// Way is one way to get the bodies of all messages.
type Way struct {
	Name string
	Does string
	run  func(ctx context.Context, addr string, messages int, s *seen) error
}

// Ours and OneByOne are the ways that are compared with each other.
const (
	Ours     = "pushmail"
	OneByOne = "pushmail, one by one"
)

// Ways are all of them, in the order of the table.
var Ways = []Way{
	{Ours, "FetchBodies: one command, each body as a stream", oursAtOnce},
	{"pushmail, Pipeline", "a command a message, 64 of them under way", oursPipelined},
	{OneByOne, "FetchSection: a command a message, one after the other", oursOneByOne},
	{"go-imap v2, at once", "one Fetch, Next and Collect", theirsAtOnce},
	{"go-imap v2, one by one", "a Fetch a message, Collect", theirsOneByOne},
}

// seen is what a way has read.
type seen struct {
	messages int
	bytes    int64
	sum      uint32 // does not depend on the order
}

func (s *seen) add(body []byte) {
	s.messages++
	s.bytes += int64(len(body))
	s.sum += crc32.ChecksumIEEE(body)
}

// selected logs in and selects.
func selected(ctx context.Context, addr string) (*imapclient.Conn, error) {
	c, err := imapclient.Dial(ctx, &imapclient.Options{Addr: addr, Security: imapclient.InsecurePlaintext})
	if err != nil {
		return nil, err
	}
	err = c.Login(ctx, user, password)
	if err == nil {
		_, err = c.Select(ctx, "INBOX", &imap.SelectOptions{ReadOnly: true})
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

var whole = &imap.FetchOptions{Sections: []imap.SectionRequest{{}}}

func oursAtOnce(ctx context.Context, addr string, messages int, s *seen) error {
	c, err := selected(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for b, err := range c.FetchBodies(ctx, imap.SetOfRange(1, imap.UID(messages)), whole) {
		if err != nil {
			return err
		}
		h := crc32.NewIEEE()
		n, err := io.Copy(h, b)
		if err != nil {
			return err
		}
		s.messages, s.bytes, s.sum = s.messages+1, s.bytes+n, s.sum+h.Sum32()
	}
	return nil
}

func oursPipelined(ctx context.Context, addr string, messages int, s *seen) error {
	c, err := selected(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	calls := make([]func(context.Context, *imapclient.Conn) error, messages)
	for i := range calls {
		calls[i] = func(ctx context.Context, c *imapclient.Conn) error {
			for m, err := range c.Fetch(ctx, imap.UIDs(imap.UID(i+1)), whole) {
				if err != nil {
					return err
				}
				s.add([]byte(m.Sections[0].Data))
			}
			return nil
		}
	}
	return c.Pipeline(ctx, calls...)
}

func oursOneByOne(ctx context.Context, addr string, messages int, s *seen) error {
	c, err := selected(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range messages {
		h := crc32.NewIEEE()
		n, err := c.FetchSection(ctx, imap.UID(i+1), imap.SectionRequest{}, h)
		if err != nil {
			return err
		}
		s.messages, s.bytes, s.sum = s.messages+1, s.bytes+n, s.sum+h.Sum32()
	}
	return nil
}

// theirs logs in and selects.
func theirs(addr string) (*goimapclient.Client, error) {
	c, err := goimapclient.DialInsecure(addr, nil)
	if err != nil {
		return nil, err
	}
	err = c.Login(user, password).Wait()
	if err == nil {
		_, err = c.Select("INBOX", &goimap.SelectOptions{ReadOnly: true}).Wait()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

var theirWhole = &goimap.FetchOptions{UID: true, BodySection: []*goimap.FetchItemBodySection{{Peek: true}}}

func theirsAtOnce(_ context.Context, addr string, messages int, s *seen) error {
	c, err := theirs(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	var all goimap.UIDSet
	all.AddRange(1, goimap.UID(messages))
	cmd := c.Fetch(all, theirWhole)
	for data := cmd.Next(); data != nil; data = cmd.Next() {
		m, err := data.Collect()
		if err != nil {
			return err
		}
		for _, section := range m.BodySection {
			s.add(section.Bytes)
		}
	}
	return cmd.Close()
}

func theirsOneByOne(_ context.Context, addr string, messages int, s *seen) error {
	c, err := theirs(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for i := range messages {
		rows, err := c.Fetch(goimap.UIDSetNum(goimap.UID(i+1)), theirWhole).Collect()
		if err != nil {
			return err
		}
		for _, m := range rows {
			for _, section := range m.BodySection {
				s.add(section.Bytes)
			}
		}
	}
	return nil
}
