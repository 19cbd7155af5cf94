// Package app is the daemon: it puts journal, accounts, sinks and API together from a configuration, changes them while they
// run, and ends them in order. It is the only package that knows all the others.
package app
