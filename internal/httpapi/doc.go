// Package httpapi serves the HTTP API: accounts, mailboxes, events, sinks and dead letters under /v1, health, and the OpenAPI
// document, which is made of the same declarations as the routes. docs/http-api.md is for those who use it.
//
// It does nothing itself. What it reads comes from package status and from the journal, what it is asked to do it hands on
// to the services in [Options].
package httpapi
