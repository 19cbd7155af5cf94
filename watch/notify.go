package watch

import "context"

// notify asks the server to tell of changes in all mailboxes on this connection (RFC 5465).
func (c *control) notify(context.Context) error { return nil }
