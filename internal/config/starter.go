package config

import _ "embed"

// Starter is a configuration to start from, with comments.
//
//go:embed starter.toml
var Starter []byte
