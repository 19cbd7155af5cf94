package deliver

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"github.com/pushmail/pushmail/internal/journal"
	"github.com/pushmail/pushmail/internal/suggest"
)

// Filter chooses events by an expression, such as
//
//	account == "jo" and type == "mail.message.new" and (size > 1000000 or subject matches "(?i)invoice")
//
// in the language of github.com/expr-lang/expr, which has no I/O and bounded memory. docs/sinks.md lists the names.
type Filter struct {
	programs []program // one of them must say yes
}

type program struct {
	text   string
	code   *vm.Program
	reads  bool // it looks into the event
	isTrue bool // it takes everything
}

// facts are what an expression can use.
type facts struct {
	Account  string   `expr:"account"`
	Mailbox  string   `expr:"mailbox"`
	Type     string   `expr:"type"`
	Source   string   `expr:"source"`
	From     string   `expr:"from"`
	FromName string   `expr:"from_name"`
	To       []string `expr:"to"`
	Cc       []string `expr:"cc"`
	Subject  string   `expr:"subject"`
	Size     int      `expr:"size"`
	Flags    []string `expr:"flags"`
	Added    []string `expr:"added"`
	Removed  []string `expr:"removed"`
	Labels   []string `expr:"labels"`
	UID      int      `expr:"uid"`
	// Attachments is their number.
	Attachments int `expr:"attachments"`
}

// factNames are those an expression can use; the first ones are known without a look into the event.
var (
	cheapFacts = []string{"account", "mailbox", "type", "source"}
	factNames  = append(slices.Clone(cheapFacts), "from", "from_name", "to", "cc", "subject", "size", "flags", "added", "removed", "labels", "uid", "attachments")
)

// FilterError says where an expression is wrong. Line and Column begin with 1.
type FilterError struct {
	Text         string
	Line, Column int
	Message      string
	// Suggestion is a name that may have been meant, or "".
	Suggestion string
}

func (e *FilterError) Error() string {
	text := fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
	if e.Suggestion != "" {
		text += fmt.Sprintf(" (did you mean %s?)", e.Suggestion)
	}
	return text
}

// NewFilter compiles an expression. The empty one takes everything. The error is a *[FilterError].
func NewFilter(text string) (*Filter, error) {
	if strings.TrimSpace(text) == "" {
		return &Filter{programs: []program{{isTrue: true}}}, nil
	}
	code, err := expr.Compile(text, expr.Env(facts{}), expr.AsBool())
	if err != nil {
		return nil, filterError(text, err)
	}
	used := &namesUsed{}
	node := code.Node()
	ast.Walk(&node, used)
	return &Filter{programs: []program{{text: text, code: code, reads: used.dear}}}, nil
}

// AnyOf returns a filter that takes what one of the filters takes: nothing, without filters.
func AnyOf(filters ...*Filter) *Filter {
	out := &Filter{}
	for _, f := range filters {
		out.programs = append(out.programs, f.programs...)
	}
	return out
}

// namesUsed finds out whether an expression needs to look into the event.
type namesUsed struct{ dear bool }

func (n *namesUsed) Visit(node *ast.Node) {
	if id, ok := (*node).(*ast.IdentifierNode); ok && !slices.Contains(cheapFacts, id.Value) {
		n.dear = true
	}
}

func filterError(text string, err error) error {
	out := &FilterError{Text: text, Line: 1, Column: 1, Message: err.Error()}
	var at *file.Error
	if errors.As(err, &at) {
		out.Line, out.Column, out.Message = max(at.Line, 1), at.Column+1, at.Message
	}
	if name, ok := strings.CutPrefix(out.Message, "unknown name "); ok {
		out.Suggestion = suggest.Nearest(strings.ToLower(name), factNames)
		if out.Suggestion == "" {
			out.Message += "; there are " + strings.Join(factNames, ", ")
		}
	}
	return out
}

// Match says whether the filter takes an event. An expression that fails for it, which the error tells, takes it: rather too much than too little.
func (f *Filter) Match(r journal.Record) (bool, error) {
	known := facts{Account: r.Account, Mailbox: r.Mailbox, Type: r.Type, Source: r.Source}
	looked := false
	for _, p := range f.programs {
		if p.isTrue {
			return true, nil
		}
		if p.reads && !looked {
			looked = true
			if err := known.read(r.JSON); err != nil {
				return true, err
			}
		}
		out, err := expr.Run(p.code, known)
		if err != nil {
			return true, fmt.Errorf("%s: %w", p.text, err)
		}
		if yes, _ := out.(bool); yes {
			return true, nil
		}
	}
	return false, nil
}

// read takes the facts from an event.
func (f *facts) read(text []byte) error {
	type address struct{ Name, Address string }
	var ev struct {
		Data struct {
			UID                   int
			Size                  int
			Flags, Added, Removed []string
			Labels                []string
			Attachments           []struct{}
			Envelope              struct {
				Subject string
				From    []address
				To, Cc  []address
			}
		}
	}
	if err := json.Unmarshal(text, &ev); err != nil {
		return err
	}
	d := ev.Data
	f.UID, f.Size, f.Flags, f.Added, f.Removed, f.Labels, f.Attachments = d.UID, d.Size, d.Flags, d.Added, d.Removed, d.Labels, len(d.Attachments)
	f.Subject = d.Envelope.Subject
	if len(d.Envelope.From) > 0 {
		f.From, f.FromName = d.Envelope.From[0].Address, d.Envelope.From[0].Name
	}
	for _, a := range d.Envelope.To {
		f.To = append(f.To, a.Address)
	}
	for _, a := range d.Envelope.Cc {
		f.Cc = append(f.Cc, a.Address)
	}
	return nil
}
