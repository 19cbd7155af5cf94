package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushmail/pushmail/e2e/dovecot"
	"github.com/pushmail/pushmail/e2e/netfault"
	"github.com/pushmail/pushmail/e2e/rawimap"
	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapclient"
)

// piped opens our client and a witness on one mail directory of a portless Dovecot.
func piped(t *testing.T, o *imapclient.Options) (context.Context, *imapclient.Conn, *rawimap.Session) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	p := dovecot.NewPortless(t, dovecot.Options{})
	witness, err := rawimap.New(p.Conn(t))
	check(t, err)
	check(t, witness.Select("INBOX"))
	o.Security, o.AllowPreauth = imapclient.InsecurePlaintext, true
	c, err := imapclient.New(ctx, p.Conn(t), o)
	check(t, err)
	t.Cleanup(func() { c.Close() })
	return ctx, c, witness
}

// TestLibraryAgreesWithTheWitness does something with our client and looks with another, and the other way round.
func TestLibraryAgreesWithTheWitness(t *testing.T) {
	t.Parallel()
	ctx, c, witness := piped(t, &imapclient.Options{})
	raw := string(mail("Grüße")) + strings.Repeat("a line that makes it long\r\n", 40_000) // 1 MB
	appended, err := c.Append(ctx, "INBOX", strings.NewReader(raw), int64(len(raw)), &imapclient.AppendOptions{Flags: []imap.Flag{imap.FlagFlagged}})
	check(t, err)
	_, err = witness.Append("INBOX", mail("second"))
	check(t, err)

	selected, err := c.Select(ctx, "INBOX", &imap.SelectOptions{CondStore: true})
	check(t, err)
	if selected.Exists != 2 || selected.UIDNext != 3 || selected.UIDValidity != appended.UIDValidity || selected.HighestModSeq == 0 {
		t.Errorf("SELECT tells %+v, APPEND told %+v", selected, appended)
	}

	var rows []string
	for m, err := range c.Fetch(ctx, imap.UIDs(1, 2), &imap.FetchOptions{Items: imap.ItemFlags | imap.ItemSize | imap.ItemEnvelope | imap.ItemBody}) {
		check(t, err)
		rows = append(rows, fmt.Sprint(m.UID, m.Size, imap.HasFlag(m.Flags, imap.FlagFlagged), m.Envelope.Subject, m.Body.MediaType(), m.Errs))
	}
	want := []string{
		fmt.Sprint(1, len(raw), true, "Grüße", "text/plain", []error(nil)),
		fmt.Sprint(2, len(mail("second")), false, "second", "text/plain", []error(nil)),
	}
	if !slices.Equal(rows, want) {
		t.Errorf("FETCH tells\n%q, want\n%q", rows, want)
	}

	var body bytes.Buffer
	n, err := c.FetchSection(ctx, 1, imap.SectionRequest{}, &body)
	check(t, err)
	if n != int64(len(raw)) || body.String() != raw {
		t.Errorf("the message came back as %d other bytes", n)
	}

	found, err := c.Search(ctx, imap.And(imap.Subject("second"), imap.WithoutFlag(imap.FlagSeen)))
	check(t, err)
	if !found.UIDs.Equal(imap.UIDs(2)) {
		t.Errorf("SEARCH finds %v, want 2", found.UIDs)
	}

	_, err = c.Store(ctx, imap.UIDs(2), &imap.StoreOptions{Mode: imap.StoreAdd, Flags: []imap.Flag{imap.FlagDeleted, "$Done"}})
	check(t, err)
	lines, err := witness.Do("UID FETCH 2 FLAGS")
	check(t, err)
	if !strings.Contains(lines[0], "$Done") {
		t.Errorf("the witness does not see the flag: %q", lines)
	}
	check(t, c.ExpungeUIDs(ctx, imap.UIDs(2)))
	uids, err := witness.UIDs()
	check(t, err)
	if !slices.Equal(uids, []uint32{1}) {
		t.Errorf("the witness sees %v, want message 1 only", uids)
	}
	check(t, c.Logout(ctx))
}

func TestLibraryIsToldWhatOthersDo(t *testing.T) {
	t.Parallel()
	var heard []imap.Response
	ctx, c, witness := piped(t, &imapclient.Options{Handler: func(r imap.Response) { heard = append(heard, r) }})
	_, err := c.Select(ctx, "INBOX", nil)
	check(t, err)
	heard = nil
	uid, err := witness.Append("INBOX", mail("pushed"))
	check(t, err)
	for !slices.Contains(heard, imap.Response(imap.Exists(1))) {
		check(t, c.Wait(ctx))
	}
	heard = nil
	check(t, witness.Select("INBOX"))
	check(t, witness.Expunge(uid))
	for !slices.Contains(heard, imap.Response(imap.Expunge(1))) {
		check(t, c.Wait(ctx))
	}
}

func TestLibraryOverStartTLS(t *testing.T) {
	t.Parallel()
	s := shared.get(t)
	roots, err := s.CertPool()
	check(t, err)
	p := netfault.Start(t, s.IMAP)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := imapclient.Dial(ctx, &imapclient.Options{Addr: p.Addr(), Security: imapclient.StartTLS, TLSConfig: &tls.Config{RootCAs: roots}})
	check(t, err)
	defer c.Close()
	if c.TLS() == nil {
		t.Fatal("no TLS after STARTTLS")
	}
	check(t, c.Login(ctx, fmt.Sprintf("user%d", users.Add(1)), dovecot.Password))
	status, err := c.Status(ctx, "INBOX", imap.StatusMessages|imap.StatusUIDNext)
	check(t, err)
	if status.Messages != 0 || status.UIDNext != 1 {
		t.Errorf("STATUS of an empty mailbox: %+v", status)
	}
	check(t, c.Logout(ctx))
}
