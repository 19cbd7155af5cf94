// Package deliver takes events from the journal to the sinks: every event at least once, in order for
// each mailbox, with the same id whenever it is sent again.
//
// Each sink has a loop of its own with a cursor in the journal, so that a sink that hangs or fails
// delays nobody else. Within a sink a mailbox whose event fails, or which has more to send than
// the others, becomes a lane: the cursor goes on without it, the lane follows by the schedule.
// So what is kept in memory is bounded, whatever the journal holds.
//
// An event that fails by the whole schedule, some 75 hours, is buried: it becomes a dead letter, which
// stays in the journal, and its mailbox goes on.
package deliver
