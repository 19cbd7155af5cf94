// Package secret brings passwords, tokens and keys from where they are kept to where they are needed, and keeps them from
// being seen on the way.
//
// A [Ref] says where a secret is: in a file, an environment variable, a keyring. It can be shown. A [Resolver] fetches what it
// refers to, at the moment it is needed and anew each time, so that a secret can be changed without a restart. A [Box] seals what
// has to be kept in a database.
package secret
