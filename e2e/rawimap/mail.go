package rawimap

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Select opens a mailbox.
func (s *Session) Select(mailbox string) error {
	_, err := s.Do("SELECT " + quote(mailbox))
	return err
}

// Append stores a message with the given flags and returns its UID.
func (s *Session) Append(mailbox string, message []byte, flags ...string) (uint32, error) {
	uids, err := s.AppendMany(mailbox, [][]byte{message}, flags...)
	if err != nil {
		return 0, err
	}
	return uids[0], nil
}

// AppendMany stores all messages and returns their UIDs: by one command (MULTIAPPEND with LITERAL+) where the server can do that.
func (s *Session) AppendMany(mailbox string, messages [][]byte, flags ...string) ([]uint32, error) {
	if s.capabilities == "" {
		lines, err := s.Do("CAPABILITY")
		if err != nil {
			return nil, err
		}
		s.capabilities = lines[0] + " "
	}
	if strings.Contains(s.capabilities, " MULTIAPPEND ") && strings.Contains(s.capabilities, " LITERAL+ ") {
		return s.append(mailbox, messages, flags)
	}
	var uids []uint32
	for _, m := range messages {
		one, err := s.append(mailbox, [][]byte{m}, flags)
		if err != nil {
			return uids, err
		}
		uids = append(uids, one...)
	}
	return uids, nil
}

// append sends one APPEND. Without LITERAL+ there is one message, for which the server has to ask.
func (s *Session) append(mailbox string, messages [][]byte, flags []string) ([]uint32, error) {
	command := "APPEND " + quote(mailbox)
	var lines []string
	var err error
	if strings.Contains(s.capabilities, " LITERAL+ ") {
		for _, m := range messages {
			command += fmt.Sprintf(" (%s) {%d+}\r\n%s", strings.Join(flags, " "), len(m), m)
		}
		lines, err = s.Do(command)
	} else {
		lines, err = s.doLiteral(fmt.Sprintf("%s (%s) {%d}", command, strings.Join(flags, " "), len(messages[0])), messages[0])
	}
	if err != nil {
		return nil, err
	}
	// OK [APPENDUID 1700000000 5:8] done (RFC 4315 section 3)
	_, code, _ := strings.Cut(lines[len(lines)-1], "[APPENDUID ")
	code, _, found := strings.Cut(code, "]")
	fields := strings.Fields(code)
	if !found || len(fields) != 2 {
		return nil, fmt.Errorf("APPEND: no UIDs in %q", lines[len(lines)-1])
	}
	uids, err := parseSet(fields[1])
	if err == nil && len(uids) != len(messages) {
		err = fmt.Errorf("APPEND: %d UIDs for %d messages", len(uids), len(messages))
	}
	return uids, err
}

// Store changes flags of the selected mailbox's messages: how is "+FLAGS", "-FLAGS" or "FLAGS".
func (s *Session) Store(how, flags string, uids ...uint32) error {
	_, err := s.Do("UID STORE " + formatSet(uids) + " " + how + " (" + flags + ")")
	return err
}

// Expunge deletes messages of the selected mailbox for good.
func (s *Session) Expunge(uids ...uint32) error {
	if err := s.Store("+FLAGS.SILENT", `\Deleted`, uids...); err != nil {
		return err
	}
	_, err := s.Do("UID EXPUNGE " + formatSet(uids))
	return err
}

// UIDs lists the messages of the selected mailbox as it is now, ascending.
func (s *Session) UIDs() ([]uint32, error) {
	if _, err := s.Do("NOOP"); err != nil { // RFC 3501 section 7.4.1: no expunge is told during a search
		return nil, err
	}
	lines, err := s.Do("UID SEARCH ALL")
	if err != nil {
		return nil, err
	}
	var uids []uint32
	for _, line := range lines {
		numbers, ok := strings.CutPrefix(line, "* SEARCH")
		if !ok {
			continue
		}
		for word := range strings.FieldsSeq(numbers) {
			uid, err := strconv.ParseUint(word, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("UID SEARCH: %q: %w", line, err)
			}
			uids = append(uids, uint32(uid))
		}
	}
	slices.Sort(uids)
	return uids, nil
}

// Subjects lists the messages of the selected mailbox with their subject lines, which must not be folded.
func (s *Session) Subjects() (map[uint32]string, error) {
	lines, err := s.Do("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
	if err != nil {
		return nil, err
	}
	subjects := map[uint32]string{}
	for _, line := range lines {
		_, rest, row := strings.Cut(line, " FETCH (")
		_, number, has := strings.Cut(rest, "UID ")
		if !row || !has {
			continue
		}
		number, _, _ = strings.Cut(number, " ")
		uid, err := strconv.ParseUint(strings.TrimSuffix(number, ")"), 10, 32)
		if err != nil {
			return nil, fmt.Errorf("UID FETCH: %q: %w", line, err)
		}
		_, subject, _ := strings.Cut(rest, "Subject: ")
		subjects[uint32(uid)], _, _ = strings.Cut(subject, "\r\n")
	}
	return subjects, nil
}

func formatSet(uids []uint32) string {
	var words []string
	for _, uid := range uids {
		words = append(words, strconv.FormatUint(uint64(uid), 10))
	}
	return strings.Join(words, ",")
}

// parseSet reads "5", "5:8" and lists of these. It is for sets of our own messages: no "*", no huge ranges.
func parseSet(set string) ([]uint32, error) {
	var uids []uint32
	for part := range strings.SplitSeq(set, ",") {
		from, to, isRange := strings.Cut(part, ":")
		if !isRange {
			to = from
		}
		a, errA := strconv.ParseUint(from, 10, 32)
		b, errB := strconv.ParseUint(to, 10, 32)
		if errA != nil || errB != nil || b < a || b-a > 1_000_000 {
			return nil, fmt.Errorf("UID set %q", set)
		}
		for uid := a; uid <= b; uid++ {
			uids = append(uids, uint32(uid))
		}
	}
	return uids, nil
}

// Idle waits in IDLE until the server has said n lines and returns them.
func (s *Session) Idle(n int) ([]string, error) {
	tag, err := s.send("IDLE")
	if err != nil {
		return nil, err
	}
	if line, err := s.readLine(); err != nil || !strings.HasPrefix(line, "+") {
		return nil, fmt.Errorf("IDLE: reply %q (%w)", line, err)
	}
	var lines []string
	for range n {
		line, err := s.readLine()
		if err != nil {
			return lines, fmt.Errorf("IDLE: %w", err)
		}
		lines = append(lines, line)
	}
	if _, err := io.WriteString(s.conn, "DONE\r\n"); err != nil {
		return lines, err
	}
	_, _, err = s.wait(tag)
	return lines, err
}
