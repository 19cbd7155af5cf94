// Package dashboard serves the page that shows how the program is doing. It is files that are part of the program and load
// nothing from elsewhere; what they show they ask the HTTP API for.
package dashboard
