package imapclient

import (
	"context"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapwire"
)

// Languages returns the tags (RFC 4646) of the languages in which the server can write its texts, without
// changing any (RFC 5255 section 3.2). It needs LANGUAGE.
func (c *Conn) Languages(ctx context.Context) ([]string, error) {
	return c.language(ctx)
}

// SetLanguage has the server write its texts in the first of the languages that it has, and returns its
// tag (RFC 5255 section 3.2): "de-AT", "en", or "default" for that of the server. Tags are matched as RFC
// 4647 has it; if none fits, that is an *imap.StatusError. Names in NAMESPACE can be told anew, to the
// Handler. It needs LANGUAGE.
func (c *Conn) SetLanguage(ctx context.Context, tags ...string) (string, error) {
	if len(tags) == 0 {
		return "", notSent(&imapwire.ArgumentError{Command: "LANGUAGE", Argument: "language tag", Position: 1, Reason: "is missing"})
	}
	got, err := c.language(ctx, tags...)
	if err != nil || len(got) == 0 {
		return "", err
	}
	return got[0], nil
}

func (c *Conn) language(ctx context.Context, tags ...string) ([]string, error) {
	if err := c.require(imap.CapLanguage); err != nil {
		return nil, err
	}
	var got *imap.Language
	_, err := c.exec(ctx, "LANGUAGE", func(e *imapwire.Command) {
		for _, tag := range tags {
			e.AString(tag)
		}
	}, func(r imap.Response) bool {
		l, ok := r.(*imap.Language)
		if ok {
			got = l
		}
		return ok
	})
	if err != nil || got == nil {
		return nil, err
	}
	return got.Tags, nil
}

// Comparator returns the rule by which the server compares text in SEARCH, SORT and THREAD, such as
// "i;unicode-casemap". With arguments it first changes it to the first of them that the server has, as
// RFC 5255 section 4.7 says; those that matched are in the result, too. It needs I18NLEVEL=2.
func (c *Conn) Comparator(ctx context.Context, wanted ...string) (*imap.Comparator, error) {
	if err := c.need(StateAuthenticated); err != nil {
		return nil, err
	}
	if err := c.require(imap.CapI18NLevel2); err != nil {
		return nil, err
	}
	got := &imap.Comparator{}
	_, err := c.exec(ctx, "COMPARATOR", func(e *imapwire.Command) {
		for _, w := range wanted {
			e.AString(w)
		}
	}, func(r imap.Response) bool {
		cmp, ok := r.(*imap.Comparator)
		if ok {
			got = cmp
		}
		return ok
	})
	return got, err
}
