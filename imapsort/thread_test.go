package imapsort_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pushmail/pushmail/imap"
	"github.com/pushmail/pushmail/imapsort"
	"github.com/pushmail/pushmail/internal/linear"
)

// show writes threads as THREAD does.
func show(nodes []imap.ThreadNode) string {
	var b strings.Builder
	for _, n := range nodes {
		b.WriteByte('(')
		showNode(&b, n)
		b.WriteByte(')')
	}
	return b.String()
}

func showNode(b *strings.Builder, n imap.ThreadNode) {
	if n.Num != 0 {
		fmt.Fprint(b, n.Num)
	}
	switch {
	case len(n.Children) == 0:
	case len(n.Children) == 1 && n.Num != 0:
		b.WriteByte(' ')
		showNode(b, n.Children[0])
	default:
		if n.Num != 0 {
			b.WriteByte(' ')
		}
		b.WriteString(show(n.Children))
	}
}

// message reads "id refs… | subject", with "-" for no ID, and sends it on the day of its number.
func message(num uint32, text string) imapsort.Message {
	ids, subject, _ := strings.Cut(text, "|")
	words := strings.Fields(ids)
	m := imapsort.Message{Num: num, Sent: day(int(num)), Subject: strings.TrimSpace(subject), References: words[1:]}
	if words[0] != "-" {
		m.ID = words[0]
	}
	return m
}

func TestReferences(t *testing.T) {
	for _, test := range []struct {
		name     string
		messages []string
		want     string
	}{
		{"nothing", nil, ""},
		{"alone", []string{"a|x", "b|y"}, "(1)(2)"},
		{"a chain", []string{"a|x", "b a|Re: x", "c a b|Re: x"}, "(1 2 3)"},
		{"a fork", []string{"a|x", "b a|Re: x", "c a|Re: x"}, "(1 (2)(3))"},
		{"replies before what they answer", []string{"c a b|Re: x", "b a|Re: x", "a|x"}, "(3 2 1)"},
		{"the parent is missing", []string{"a|x", "c a b|Re: x"}, "(1 2)"},
		{"the root is missing: one child", []string{"b a|Re: x"}, "(1)"},
		{"the root is missing: two children", []string{"b a|Re: x", "c a|Re: x"}, "((1)(2))"},
		{"missing ones in a row", []string{"d a b c|Re: x", "e a b|Re: x"}, "((1)(2))"},
		{"missing ones in a row below one that is there", []string{"a|x", "e a b c d|Re: x", "f a b|Re: x"}, "(1 (2)(3))"},
		{"one ID twice", []string{"a|x", "a|x2", "b a|Re: x3"}, "(1 3)(2)"},
		{"no ID", []string{"- |x", "- a|y", "-|z"}, "(1)(2)(3)"},
		{"what a message says of itself counts more", []string{"a|x", "b|y", "c b|z", "d a c|u"}, "(1)(2 3 4)"},
		// RFC 5256 step 1.A: b gets no parent from what c says, for b itself says that it has none.
		{"hearsay of one that is still to come", []string{"c a b|z", "a|x", "b|y"}, "(2)(3 1)"},
		// … and gets one from d, which comes after b.
		{"hearsay of one that came before", []string{"a|x", "b|y", "d a b|z"}, "(1 2 3)"},
		{"the first who says it", []string{"a|x", "b|y", "c|z", "d a c|u", "e b c|v"}, "(1 3 (4)(5))(2)"},
		{"itself", []string{"a a|x"}, "(1)"},
		{"itself in a chain", []string{"a b a c|x", "c|y"}, "(1)(2)"},
		// By step 1.A c is the child of a, and b below it, when a wants to be the child of b; then c has no parent.
		{"a loop over hearsay", []string{"b a c|x", "a b|y", "c|z"}, "(2)(3 1)"},
		{"two of each other", []string{"a b|x", "b a|y"}, "(2 1)"},
		{"three in a circle", []string{"a c|x", "b a|y", "c b|z"}, "(3 1 2)"},
		{"missing ones in a circle", []string{"x a b c a|x", "y c b|y"}, "((1)(2))"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var messages []imapsort.Message
			for i, text := range test.messages {
				m := message(uint32(i+1), text)
				if m.Subject != "x" && m.Subject != "Re: x" {
					m.Subject = fmt.Sprint("different ", i)
				}
				messages = append(messages, m)
			}
			if got := show(thread(t, messages, "REFERENCES")); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func thread(t interface{ Fatal(...any) }, messages []imapsort.Message, algorithm string) []imap.ThreadNode {
	nodes, err := imapsort.Thread(messages, algorithm, nil)
	if err != nil {
		t.Fatal(err)
	}
	return nodes
}

// RFC 5256 section 3, step 5 of REFERENCES.
func TestReferencesGathersSubjects(t *testing.T) {
	for _, test := range []struct {
		name     string
		messages []string
		want     string
	}{
		{"a reply without references joins what it answers", []string{"a|Lunch", "b|Re: lunch"}, "(1 2)"},
		{"also if it comes first", []string{"b|Re: lunch", "a|Lunch"}, "(2 1)"},
		{"two originals become siblings", []string{"a|Lunch", "b|Lunch"}, "((1)(2))"},
		{"two replies become siblings", []string{"a|Re: Lunch", "b|Re: Lunch"}, "((1)(2))"},
		{"three originals", []string{"a|Lunch", "b|Lunch", "c|Lunch"}, "((1)(2)(3))"},
		{"an original, a reply, an original", []string{"a|Lunch", "b|Re: Lunch", "c|Lunch"}, "((1 2)(3))"},
		{"two dummies", []string{"a m|Re: Lunch", "b m|Re: Lunch", "c n|Re: Lunch", "d n|Re: Lunch"}, "((1)(2)(3)(4))"},
		{"a dummy and an original", []string{"a m|Re: Lunch", "b m|Re: Lunch", "c|Lunch"}, "((1)(2)(3))"},
		{"an original and a dummy", []string{"c|Lunch", "a m|Re: Lunch", "b m|Re: Lunch"}, "((1)(2)(3))"},
		{"a dummy has the subject of its first child", []string{"a m|Re: Lunch", "b m|Re: Dinner", "c|Dinner"}, "((1)(2))(3)"},
		{"empty subjects do not join", []string{"a|", "b|Re:", "c|"}, "(1)(2)(3)"},
		{"only tops join", []string{"a|Lunch", "b a|Dinner", "c|Dinner"}, "(1 2)(3)"},
		{"the subject of a top is that of its thread", []string{"a|Lunch", "b a|Dinner", "c|Re: Lunch"}, "(1 (2)(3))"},
		{"without regard to case", []string{"a|Grüße", "b|Re: GRÜSSE", "c|Re: GRÜßE"}, "(1 3)(2)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var messages []imapsort.Message
			for i, text := range test.messages {
				messages = append(messages, message(uint32(i+1), text))
			}
			if got := show(thread(t, messages, "references")); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestThreadsAndSiblingsComeByDate(t *testing.T) {
	at := func(num uint32, sent int, text string) imapsort.Message {
		m := message(num, text)
		m.Sent = day(sent)
		return m
	}
	messages := []imapsort.Message{
		at(1, 9, "a|A"), at(2, 3, "b|B"), at(3, 20, "c a|C"), at(4, 12, "d a|D"), at(5, 5, "e m|E"), at(6, 1, "f m|F"), at(7, 3, "g|G"),
		at(8, 8, "h b|H"),
	}
	for _, test := range []struct{ algorithm, want string }{
		{"REFERENCES", "((6)(5))(2 8)(7)(1 (4)(3))"},
		{"REFS", "(7)((6)(5))(2 8)(1 (4)(3))"}, // by the latest: 3, 5, 8, 20
		{"ORDEREDSUBJECT", "(6)(2)(7)(5)(8)(1)(4)(3)"},
	} {
		if got := show(thread(t, messages, test.algorithm)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.algorithm, got, test.want)
		}
	}
}

func TestOrderedSubject(t *testing.T) {
	messages := []imapsort.Message{
		message(1, "a|Lunch"), message(2, "b|Dinner"), message(3, "c|Re: lunch"), message(4, "d|[x] LUNCH (fwd)"), message(5, "e|"), message(6, "f|Re:"),
	}
	messages[3].Sent = day(2)
	if got, want := show(thread(t, messages, "ORDEREDSUBJECT")), "(1 (4)(3))(2)(5 6)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// anyMessages draws messages that refer to each other, and to others, at random: circles, lies, missing ones.
func anyMessages(t *rapid.T) []imapsort.Message {
	n := rapid.IntRange(0, 30).Draw(t, "n")
	id := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("id", rapid.IntRange(0, n).Draw(t, "id")) })
	subject := rapid.SampledFrom([]string{"", "x", "Re: x", "y", "[l] Re: y", "z (fwd)"})
	messages := make([]imapsort.Message, n)
	for i := range messages {
		messages[i] = imapsort.Message{
			Num: uint32(i + 1), Sent: day(rapid.IntRange(1, 10).Draw(t, "day")), Subject: subject.Draw(t, "subject"),
			References: rapid.SliceOfN(id, 0, 5).Draw(t, "references"),
		}
		if rapid.IntRange(0, 9).Draw(t, "anonymous") > 0 {
			messages[i].ID = id.Draw(t, "ID")
		}
	}
	return messages
}

var algorithms = []string{"ORDEREDSUBJECT", "REFERENCES", "REFS"}

func TestEveryMessageIsInExactlyOneThread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		messages := anyMessages(t)
		for _, algorithm := range algorithms {
			nodes := thread(t, messages, algorithm)
			seen := map[uint32]int{}
			count(t, nodes, true, seen)
			for _, m := range messages {
				if seen[m.Num] != 1 {
					t.Fatalf("%s: message %d is there %d times: %s", algorithm, m.Num, seen[m.Num], show(nodes))
				}
			}
			if len(seen) != len(messages) {
				t.Fatalf("%s: %d messages of %d: %s", algorithm, len(seen), len(messages), show(nodes))
			}
		}
	})
}

// count counts messages. One that is not there is at the top and joins two at least.
func count(t *rapid.T, nodes []imap.ThreadNode, top bool, seen map[uint32]int) {
	for _, n := range nodes {
		if n.Num != 0 {
			seen[n.Num]++
		} else if !top || len(n.Children) < 2 {
			t.Fatalf("a dummy (top: %v) with %d children", top, len(n.Children))
		}
		count(t, n.Children, false, seen)
	}
}

func TestTheOrderOfMessagesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		messages := anyMessages(t)
		shuffled := rapid.Permutation(messages).Draw(t, "shuffled")
		for _, algorithm := range algorithms {
			if a, b := show(thread(t, messages, algorithm)), show(thread(t, shuffled, algorithm)); a != b {
				t.Fatalf("%s: %s, and in another order %s", algorithm, a, b)
			}
		}
	})
}

// scale are mailboxes of n messages that are bad for one step or another.
var scale = map[string]func(n int) []imapsort.Message{
	"a chain":              chain(func(i, _ int) int { return i }),
	"a chain from its end": chain(func(i, n int) int { return n - 1 - i }),
	"a chain in disorder":  chain(func(i, n int) int { return i * 7919 % n }),
	"a circle": func(n int) []imapsort.Message {
		m := chain(func(i, _ int) int { return i })(n)
		m[0].References = []string{name(n - 1)}
		return m
	},
	"all answer one":                   func(n int) []imapsort.Message { return each(n, func(int) []string { return []string{name(0)} }) },
	"all answer one that is not there": func(n int) []imapsort.Message { return each(n, func(int) []string { return []string{"nothing"} }) },
	"each a thread":                    func(n int) []imapsort.Message { return each(n, func(int) []string { return nil }) },
	"one ID": func(n int) []imapsort.Message {
		m := each(n, func(int) []string { return []string{"0"} })
		for i := range m {
			m[i].ID = "0"
		}
		return m
	},
	"one subject": func(n int) []imapsort.Message {
		m := each(n, func(int) []string { return nil })
		for i := range m {
			m[i].Subject = "x"
		}
		return m
	},
	"pairs of one subject": func(n int) []imapsort.Message {
		m := each(n, func(i int) []string { return []string{fmt.Sprint("not there ", i/2)} })
		for i := range m {
			m[i].Subject = "x"
		}
		return m
	},
	// Below each message that is not there hang the next one and a message.
	"a comb of missing ones": func(n int) []imapsort.Message {
		return each(n, func(i int) []string { return []string{fmt.Sprint("comb ", i), fmt.Sprint("comb ", i+1)} })
	},
	"a comb of missing ones from its end": func(n int) []imapsort.Message {
		return each(n, func(i int) []string { return []string{fmt.Sprint("comb ", n-i), fmt.Sprint("comb ", n-i+1)} })
	},
	"trees that join at their tips": func(n int) []imapsort.Message {
		return each(n, func(i int) []string { return []string{name(i ^ 1<<(i%16)), name(i / 2), name(n - i)} })
	},
	"long references": func(n int) []imapsort.Message {
		long := make([]string, n)
		for i := range long {
			long[i] = name(i)
		}
		m := each(n, func(int) []string { return nil })
		m[0].References, m[n-1].References = long, long
		return m
	},
}

func name(i int) string { return fmt.Sprint(i, "@x") }

func each(n int, references func(i int) []string) []imapsort.Message {
	messages := make([]imapsort.Message, n)
	for i := range messages {
		messages[i] = imapsort.Message{Num: uint32(i + 1), ID: name(i), Sent: day(1).Add(time.Duration(i)), Subject: fmt.Sprint("subject ", i), References: references(i)}
	}
	return messages
}

// chain has each message refer to the one before; place says where in the mailbox each of them is.
func chain(place func(i, n int) int) func(n int) []imapsort.Message {
	return func(n int) []imapsort.Message {
		messages := each(n, func(int) []string { return nil })
		for i := 1; i < n; i++ {
			messages[place(i, n)].References = []string{name(place(i-1, n))}
		}
		return messages
	}
}

func TestManyMessagesCostWhatTheyAreMany(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	for what, make := range scale {
		t.Run(what, func(t *testing.T) {
			for _, algorithm := range algorithms {
				linear.Check(t, string(algorithm), n, func(n int) {
					messages := make(n)
					rand.Shuffle(n, func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
					if got := total(thread(t, messages, algorithm)); got != n {
						t.Errorf("%s: %d messages", algorithm, got)
					}
				})
			}
		})
	}
}

func total(nodes []imap.ThreadNode) (n int) {
	for stack := [][]imap.ThreadNode{nodes}; len(stack) > 0; {
		list := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for i := range list {
			if list[i].Num != 0 {
				n++
			}
			stack = append(stack, list[i].Children)
		}
	}
	return n
}
