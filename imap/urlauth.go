package imap

// GenURLAuth is a "* GENURLAUTH" response (RFC 4467 section 7): URLs as the server signed them. They are
// as good as a password for what they name.
type GenURLAuth struct{ URLs []string }

// URLFetch is a "* URLFETCH" response (RFC 4467 section 7).
type URLFetch struct{ Contents []URLContent }

// URLContent is what is behind a URL.
type URLContent struct {
	URL  string
	Data string
	// Nil: the server does not give it: the URL is not valid (any more), or not for this user.
	Nil bool
}
