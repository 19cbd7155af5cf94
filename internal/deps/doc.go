// Package deps holds who may import whom, what every package must have, and that docs/rfc-coverage.md
// names only what exists. It has no code, only tests; the table of imports is in deps_test.go.
package deps
