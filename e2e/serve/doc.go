// Package serve holds the tests of "pushmail serve": the built program with its journal and sinks, killed and hindered in every way.
package serve
