package httpapi

// MaxStreams is the bound, for tests.
const MaxStreams = maxStreams

// Streams returns how many streams are open.
func (s *Server) Streams() int64 { return s.streams.Load() }
