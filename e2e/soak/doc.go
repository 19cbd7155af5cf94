// Package soak runs the real program against real servers for as long as one likes, while servers, network and
// program are killed at random moments and three writers bring mail. The tests are all there is.
package soak
