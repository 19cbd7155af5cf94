package imapclient_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/pushmail/pushmail/imapauth"
	"github.com/pushmail/pushmail/imapclient"
	"github.com/pushmail/pushmail/imaptest"
)

// The best way that the server offers, and what to tell people when it refuses.
func ExampleConn_SignIn() {
	server := imaptest.NewServer(nil)
	defer server.Close()
	if err := server.Listen("tcp", "127.0.0.1:0"); err != nil {
		panic(err)
	}
	ctx := context.Background()
	c, err := imapclient.Dial(ctx, &imapclient.Options{Addr: server.Addr().String(), TLSConfig: server.TLSConfig()})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	err = c.SignIn(ctx, &imapauth.Credentials{Username: "jo", Password: imapauth.NewSecret("not this")})
	if refused, ok := errors.AsType[*imapclient.AuthError](err); ok {
		switch refused.Refusal {
		case imapclient.RefusedCredentials:
			fmt.Println("wrong user or password; the server says:", refused)
		case imapclient.RefusedAppPassword:
			fmt.Println("make an app password for this program")
		case imapclient.RefusedForNow:
			fmt.Println("try again later")
		}
	}
	// Output: wrong user or password; the server says: AUTHENTICATE PLAIN: server said NO [AUTHENTICATIONFAILED] Authentication failed
}
