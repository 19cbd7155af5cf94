// Package browser has the tests of the dashboard in a real browser, against the real API and a real journal, with accounts and
// sinks that are made up. It is a package of its own since the dashboard itself knows nothing of those.
package browser
