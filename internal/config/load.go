package config

import "errors"

// Options are settings of [Load].
type Options struct {
	// Getenv and CredentialsDirectory are where references are looked up. A nil Getenv is os.Getenv.
	Getenv func(string) string
	// Compile checks the expression of a route. Nil accepts all. The error may have a method Offset() int, the byte of
	// the expression that it is about.
	Compile func(expression string) error
}

// Load reads a configuration. It returns nil with problems of which at least one is no warning; otherwise the problems are
// warnings.
func Load(file string, o Options) (*Config, Problems) {
	return nil, Problems{{Place: Place{File: file}, Message: errors.ErrUnsupported.Error()}}
}
