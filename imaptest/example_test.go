package imaptest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imaptest"
)

// A client that idles must renew its IDLE before the server gives up on it after 29 minutes. This test
// takes no time.
func ExampleTranscript() {
	_ = func(t *testing.T) { // func TestIdleIsRenewed(t *testing.T)
		script := `
			S: * OK ready
			C: {tag} IDLE
			S: + idling
			wait 29m
			C: DONE
			S: {tag} OK done
			C: {tag} LOGOUT
			S: * BYE bye
			S: {tag} OK bye
			close
		`
		imaptest.Transcript(t, script, func(t *testing.T, conn net.Conn) {
			r := bufio.NewReader(conn)
			say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
			r.ReadString('\n')
			say("a IDLE")
			r.ReadString('\n')
			time.Sleep(29 * time.Minute)
			say("DONE")
			r.ReadString('\n')
			say("b LOGOUT")
			io.Copy(io.Discard, r)
		})
	}
}

// The server over a pipe: what another client does to the mailbox reaches an idling session at once.
func ExampleServer() {
	server := imaptest.NewServer(nil)
	defer server.Close()
	inbox := server.AddUser("jo", "secret").Mailbox("INBOX")

	conn := server.Pipe()
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	until := func(prefix string) {
		for lines.Scan() && len(lines.Text()) >= len(prefix) && lines.Text()[:len(prefix)] != prefix {
		}
	}

	until("* OK")
	say("a LOGIN jo secret")
	until("a OK")
	say("b SELECT INBOX")
	until("b OK")
	say("c IDLE")
	until("+ ")

	uid := inbox.Append([]byte("From: ann@example.org\nSubject: Hello\n\nHi Jo\n"))
	lines.Scan()
	fmt.Println(lines.Text())
	lines.Scan()
	fmt.Println(lines.Text())
	inbox.AddFlags(uid, imap.FlagSeen)
	lines.Scan()
	fmt.Println(lines.Text())

	// Output:
	// * 1 EXISTS
	// * 1 RECENT
	// * 1 FETCH (FLAGS (\Seen \Recent))
}

// A server that answers the first STATUS with "try later", never answers NOOP, and takes its time to
// open a mailbox.
func ExampleServerOptions_onCommand() {
	opened := make(chan struct{})
	refused := false
	server := imaptest.NewServer(&imaptest.ServerOptions{
		OnCommand: func(c imaptest.Command) imaptest.Verdict {
			switch {
			case c.Name == "STATUS" && !refused:
				refused = true
				return imaptest.Refuse(imap.NO, imap.CodeUnavailable, "try later")
			case c.Name == "NOOP":
				return imaptest.Ignore
			case c.Name == "SELECT":
				return imaptest.DelayUntil(opened)
			}
			return imaptest.Pass
		},
	})
	defer server.Close()
	close(opened)
	server.AddUser("jo", "secret")
	conn := server.Pipe()
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	lines.Scan()
	for _, command := range []string{"a LOGIN jo secret", "b STATUS INBOX (MESSAGES)", "c NOOP", "d STATUS INBOX (MESSAGES)"} {
		fmt.Fprintf(conn, "%s\r\n", command)
		if command != "c NOOP" {
			lines.Scan()
		}
	}
	fmt.Println(lines.Text())

	// Output:
	// * STATUS INBOX (MESSAGES 0)
}
