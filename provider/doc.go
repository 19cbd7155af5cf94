// Package provider owns what is known of mail services and server programs before, and besides, what they say
// themselves: how long they bear an idle connection, how many connections they allow, what they need to
// hear first, which of their extensions not to trust, and how one logs in.
//
// These are facts about others, gathered from their documentation, from what other clients do, and from reports.
// They go out of date. A list of capabilities is a prior: always read CAPABILITY. Whoever knows better says so
// in a file, see [Table.Extend]. All of them, with their sources, are in docs/providers.md.
package provider
