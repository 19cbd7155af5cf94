package mailbox

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"github.com/pushmail/pushmail/imap"
)

// A checkpoint is a State as bytes:
//
//	"PMBX" version:uvarint { tag:uvarint length:uvarint content } crc32c:4, little endian, of all before
//
// Sections come in the order of their tags, each at most once. A reader skips tags that it does not
// know; what it must not skip gets a new version. Numbers in sections are uvarints.
const (
	checkpointMagic   = "PMBX"
	checkpointVersion = 1
)

const (
	// tagMailbox: UIDVALIDITY, UIDNEXT, highest UID ever, HIGHESTMODSEQ.
	tagMailbox = 1 + iota
	// tagUIDs: number of runs, then for each the gap from the end of the one before, and its length less one.
	tagUIDs
	// tagNames: number of flags, then the length and bytes of each.
	tagNames
	// tagSets: number of flag sets, then for each the number of its flags and their indexes in tagNames.
	tagSets
	// tagFlags: for each message, in order, its index in tagSets: n<<1 and an index for n equal
	// ones, n<<1|1 and n indexes for n others.
	tagFlags
	// tagRevs: number of entries, then for each the gap from the UID before, and the revision.
	tagRevs
	// tagPrints: basis, the newest INTERNALDATE, number of fingerprints, then for each the gap from the UID
	// before, and its 8 bytes.
	tagPrints
	// tagReused: the highest UID that was told, number of messages whose UID another one had before, then for each the
	// gap from the UID before, and the 8 bytes of its fingerprint. Without it the former is the highest UID ever, the latter none.
	tagReused
	// tagAhead: the messages that wait and may have been told; number of fingerprints, then for each as in tagPrints.
	tagAhead
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary returns the checkpoint of s. It never fails.
func (s *State) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

// AppendBinary appends the checkpoint of s to dst. It never fails.
func (s *State) AppendBinary(dst []byte) ([]byte, error) {
	start := len(dst)
	dst = append(dst, checkpointMagic...)
	dst = binary.AppendUvarint(dst, checkpointVersion)
	names, sets, numbers := s.usedFlags()
	var body []byte
	for tag, section := range [...]func([]byte) []byte{
		tagMailbox: s.appendMailbox,
		tagUIDs:    s.appendUIDs,
		tagNames:   func(b []byte) []byte { return appendNames(b, names) },
		tagSets:    func(b []byte) []byte { return appendSets(b, sets) },
		tagFlags:   func(b []byte) []byte { return s.appendFlags(b, numbers) },
		tagRevs:    s.appendRevs,
		tagPrints:  s.prints.append,
		tagReused:  s.appendReused,
		tagAhead:   s.prints.appendAhead,
	} {
		if section == nil {
			continue
		}
		if body = section(body[:0]); len(body) > 0 {
			dst = binary.AppendUvarint(dst, uint64(tag))
			dst = binary.AppendUvarint(dst, uint64(len(body)))
			dst = append(dst, body...)
		}
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli)), nil
}

func (s *State) appendMailbox(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.uidValidity))
	b = binary.AppendUvarint(b, uint64(s.uidNext))
	b = binary.AppendUvarint(b, uint64(s.last))
	return binary.AppendUvarint(b, uint64(s.highest))
}

func (s *State) appendUIDs(b []byte) []byte {
	set := s.UIDs()
	b = binary.AppendUvarint(b, uint64(len(set)))
	var last imap.UID
	for _, r := range set {
		b = binary.AppendUvarint(b, uint64(r.First-last))
		b = binary.AppendUvarint(b, uint64(r.Last-r.First))
		last = r.Last
	}
	return b
}

// usedFlags numbers the flags and the flag sets that messages have, in the order of the messages. That
// makes equal States equal bytes.
func (s *State) usedFlags() (names []imap.Flag, sets [][]int, numbers []uint32) {
	if s.n == 0 {
		return nil, nil, nil
	}
	numbers = make([]uint32, len(s.flags.sets)) // plus one; 0 is: not seen
	index := map[imap.Flag]int{}
	for _, c := range s.chunks {
		for i := range c.n {
			id := c.flags.at(i)
			if numbers[id] == 0 {
				set := make([]int, 0, len(s.flags.sets[id].flags))
				for _, f := range s.flags.sets[id].flags {
					if _, ok := index[f]; !ok {
						index[f] = len(names)
						names = append(names, f)
					}
					set = append(set, index[f])
				}
				sets = append(sets, set)
				numbers[id] = uint32(len(sets))
			}
			if c.flags.width == 0 {
				break
			}
		}
	}
	return names, sets, numbers
}

func appendNames(b []byte, names []imap.Flag) []byte {
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, f := range names {
		b = binary.AppendUvarint(b, uint64(len(f)))
		b = append(b, f...)
	}
	return b
}

func appendSets(b []byte, sets [][]int) []byte {
	b = binary.AppendUvarint(b, uint64(len(sets)))
	for _, set := range sets {
		b = binary.AppendUvarint(b, uint64(len(set)))
		for _, i := range set {
			b = binary.AppendUvarint(b, uint64(i))
		}
	}
	return b
}

// minRun is the number of equal values in a row that are worth a run of their own.
const minRun = 4

func (s *State) appendFlags(b []byte, numbers []uint32) []byte {
	var w runWriter
	w.b = b
	for _, c := range s.chunks {
		if c.flags.width == 0 {
			w.add(numbers[c.flags.at(0)]-1, c.n)
			continue
		}
		for i := range c.n {
			w.add(numbers[c.flags.at(i)]-1, 1)
		}
	}
	w.flush()
	w.flushLoose()
	return w.b
}

// runWriter writes values as runs of equal ones, and the loose ones between them as they are.
type runWriter struct {
	b     []byte
	loose []uint32
	value uint32
	n     int
}

func (w *runWriter) add(value uint32, n int) {
	if value != w.value {
		w.flush()
		w.value = value
	}
	w.n += n
}

func (w *runWriter) flush() {
	if w.n < minRun {
		for range w.n {
			w.loose = append(w.loose, w.value)
		}
	} else {
		w.flushLoose()
		w.b = binary.AppendUvarint(w.b, uint64(w.n)<<1)
		w.b = binary.AppendUvarint(w.b, uint64(w.value))
	}
	w.n = 0
}

func (w *runWriter) flushLoose() {
	if len(w.loose) == 0 {
		return
	}
	w.b = binary.AppendUvarint(w.b, uint64(len(w.loose))<<1|1)
	for _, v := range w.loose {
		w.b = binary.AppendUvarint(w.b, uint64(v))
	}
	w.loose = w.loose[:0]
}

func (s *State) appendRevs(b []byte) []byte {
	n := 0
	for range s.allRevs() {
		n++
	}
	if n == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(n))
	var last imap.UID
	for uid, rev := range s.allRevs() {
		b = binary.AppendUvarint(b, uint64(uid-last))
		b = binary.AppendUvarint(b, uint64(rev))
		last = uid
	}
	return b
}

func (p *prints) append(b []byte) []byte {
	if p == nil {
		return b
	}
	b = binary.AppendUvarint(b, uint64(p.basis))
	b = binary.AppendUvarint(b, uint64(p.newest))
	return appendPrinted(b, p.list)
}

func (p *prints) appendAhead(b []byte) []byte {
	if p == nil || len(p.ahead) == 0 {
		return b
	}
	return appendPrinted(b, p.ahead)
}

func (s *State) appendReused(b []byte) []byte {
	var again []printed
	if s.prints != nil {
		again = s.prints.again
	}
	if s.told == s.last && len(again) == 0 {
		return b
	}
	return appendPrinted(binary.AppendUvarint(b, uint64(s.told)), again)
}

func appendPrinted(b []byte, list []printed) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	var last imap.UID
	for _, e := range list {
		b = binary.AppendUvarint(b, uint64(e.uid-last))
		b = append(b, e.print[:]...)
		last = e.uid
	}
	return b
}

// UnmarshalBinary sets s to the State of a checkpoint, of which it keeps nothing. It returns a
// [*CorruptError] if data is not a whole checkpoint as it was written, a [*VersionError] if a newer
// program wrote it, and leaves s as it was then. Whatever data is, it takes memory in proportion to its
// length, up to some MB more for a mailbox of [MaxMessages].
func (s *State) UnmarshalBinary(data []byte) error {
	r := &checkpointReader{data: data}
	if len(data) < len(checkpointMagic)+5 || string(data[:len(checkpointMagic)]) != checkpointMagic {
		return r.corrupt("this is no checkpoint")
	}
	r.pos = len(checkpointMagic)
	if v := r.number(math.MaxUint64); r.err == nil && v != checkpointVersion {
		if v > checkpointVersion {
			return &VersionError{v, checkpointVersion}
		}
		return r.corrupt("there is no such format")
	}
	r.data = data[:len(data)-4]
	if crc32.Checksum(r.data, castagnoli) != binary.LittleEndian.Uint32(data[len(data)-4:]) {
		return r.corrupt("the checksum does not match")
	}
	t, err := r.state()
	if err == nil {
		*s = *t
	}
	return err
}

// checkpointReader reads numbers until the first error, and zeros from there on.
type checkpointReader struct {
	data []byte
	pos  int
	err  error

	uids imap.UIDSet
	n    uint64 // messages in uids
	name []imap.Flag
	sets []uint32 // numbers in the State's table
}

func (r *checkpointReader) corrupt(reason string) error {
	if r.err == nil {
		r.err = &CorruptError{r.pos, reason}
	}
	return r.err
}

// number reads one of at most limit.
func (r *checkpointReader) number(limit uint64) uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.data[r.pos:])
	if n <= 0 || v > limit {
		_ = r.corrupt("a number is cut off or too large")
		return 0
	}
	r.pos += n
	return v
}

// count reads how many entries follow, each of size bytes at least: more than fit are never believed.
func (r *checkpointReader) count(size int) int {
	n := r.number(math.MaxInt32)
	if n > uint64((len(r.data)-r.pos)/size) {
		_ = r.corrupt("more entries than bytes")
		return 0
	}
	return int(n)
}

func (r *checkpointReader) state() (*State, error) {
	s := newState()
	whole, last, reused := r.data, uint64(0), false
	for r.pos < len(whole) && r.err == nil {
		tag := r.number(math.MaxUint64)
		size := r.count(1)
		if tag <= last {
			return nil, r.corrupt("sections out of order")
		}
		last, reused = tag, reused || tag == tagReused
		end := r.pos + size
		if r.data = whole[:end]; r.err == nil {
			r.section(s, tag)
		}
		if r.data = whole; r.err == nil && r.pos != end {
			return nil, r.corrupt("a section has more bytes than it should")
		}
	}
	if r.err == nil && r.n != uint64(s.n) {
		return nil, r.corrupt("messages without flags")
	}
	if !reused {
		s.told = s.last
	}
	return s, r.err
}

func (r *checkpointReader) section(s *State, tag uint64) {
	switch tag {
	case tagMailbox:
		s.uidValidity = uint32(r.number(math.MaxUint32))
		s.uidNext = imap.UID(r.number(math.MaxUint32))
		s.last = imap.UID(r.number(math.MaxUint32))
		s.highest = imap.ModSeq(r.number(math.MaxInt64))
	case tagUIDs:
		r.readUIDs()
	case tagNames:
		r.readNames()
	case tagSets:
		r.readSets(s)
	case tagFlags:
		r.readFlags(s)
	case tagRevs:
		r.readRevs(s)
	case tagPrints:
		r.readPrints(s)
	case tagReused:
		s.told = imap.UID(r.number(math.MaxUint32))
		if again := r.readPrinted(MaxMessages); len(again) > 0 {
			if s.prints == nil {
				s.prints = &prints{own: s.own}
			}
			s.prints.again = again
		}
	case tagAhead:
		if ahead := r.readPrinted(maxRemembered); s.prints != nil {
			s.prints.ahead = ahead
		}
	default:
		r.pos = len(r.data)
	}
}

func (r *checkpointReader) readUIDs() {
	n := r.count(2)
	r.uids = make(imap.UIDSet, 0, n)
	last := uint64(0)
	for range n {
		first := last + r.number(math.MaxUint32)
		end := first + r.number(math.MaxUint32)
		if r.err == nil && (first <= last || end > math.MaxUint32 || len(r.uids) > 0 && first == last+1) {
			_ = r.corrupt("UIDs out of order")
		}
		if r.n += end - first + 1; r.n > MaxMessages {
			_ = r.corrupt("too many messages")
		}
		if r.err != nil {
			return
		}
		r.uids = append(r.uids, imap.Range[imap.UID]{First: imap.UID(first), Last: imap.UID(end)})
		last = end
	}
}

func (r *checkpointReader) readNames() {
	n := r.count(1)
	r.name = make([]imap.Flag, 0, n)
	for range n {
		size := r.count(1)
		if r.err != nil {
			return
		}
		r.name = append(r.name, imap.Flag(r.data[r.pos:r.pos+size]))
		r.pos += size
	}
}

func (r *checkpointReader) readSets(s *State) {
	n := r.count(1)
	r.sets = make([]uint32, 0, n)
	var flags []imap.Flag
	for range n {
		flags = flags[:0]
		for range r.count(1) {
			i := r.number(math.MaxUint32)
			if r.err != nil || i >= uint64(len(r.name)) {
				_ = r.corrupt("no such flag")
				return
			}
			flags = append(flags, r.name[i])
		}
		id, err := s.intern(flags)
		if err != nil {
			_ = r.corrupt(err.Error())
		}
		r.sets = append(r.sets, id)
	}
}

func (r *checkpointReader) readFlags(s *State) {
	next := r.uids
	put := func(n uint64, set uint32) {
		for n > 0 && r.err == nil {
			if len(next) == 0 {
				_ = r.corrupt("flags without messages")
				return
			}
			k := min(n, next[:1].Len())
			s.appendRun(next[0].First, int(k), set)
			if n -= k; k == next[:1].Len() {
				next = next[1:]
			} else {
				next[0].First += imap.UID(k)
			}
		}
	}
	for r.pos < len(r.data) && r.err == nil {
		head := r.number(math.MaxUint64)
		if n := head >> 1; head&1 == 0 {
			put(n, r.set())
		} else {
			for ; n > 0 && r.err == nil; n-- {
				put(1, r.set())
			}
		}
	}
}

func (r *checkpointReader) set() uint32 {
	i := r.number(math.MaxUint32)
	if r.err != nil || i >= uint64(len(r.sets)) {
		_ = r.corrupt("no such flag set")
		return 0
	}
	return r.sets[i]
}

func (r *checkpointReader) readRevs(s *State) {
	uid := uint64(0)
	for range r.count(2) {
		uid += r.number(math.MaxUint32)
		rev := r.number(math.MaxUint32)
		if r.err != nil {
			return
		}
		if uid > math.MaxUint32 || s.Rev(imap.UID(uid)) != 0 || !s.Has(imap.UID(uid)) {
			_ = r.corrupt("a revision without its message")
			return
		}
		s.setRev(imap.UID(uid), uint32(rev))
	}
}

func (r *checkpointReader) readPrints(s *State) {
	basis, newest := r.number(math.MaxUint8), r.number(math.MaxInt64)
	// Of a program that remembers more the oldest are forgotten.
	s.prints = &prints{own: s.own, basis: Basis(basis), newest: int64(newest), list: r.readPrinted(maxRemembered)}
}

// readPrinted reads fingerprints, of which it returns the last ones.
func (r *checkpointReader) readPrinted(most int) (list []printed) {
	n := r.count(1 + len(Print{}))
	uid := uint64(0)
	for i := range n {
		gap := r.number(math.MaxUint32)
		uid += gap
		if r.err != nil || gap == 0 || uid > math.MaxUint32 || len(r.data)-r.pos < len(Print{}) {
			_ = r.corrupt("a fingerprint without its message")
			return nil
		}
		if n-i <= most {
			if list == nil {
				list = make([]printed, 0, roomFor(n-i))
			}
			list = append(list, printed{imap.UID(uid), Print(r.data[r.pos:])})
		}
		r.pos += len(Print{})
	}
	return list
}
