// Package config reads the configuration of "pushmail serve": one TOML file, and the files that it includes, become a [Config].
//
// Everything that is wrong is told at once, each with its place, the line and what to write instead: see [Problem]. Nothing is
// asked of the network. docs/configuration.md describes the keys; a test holds it to the structs here, whose toml tags are the
// names of the keys.
package config
