// Package deps holds who may import whom, and what every package must have. It has no code, only tests;
// the table is in deps_test.go.
package deps
