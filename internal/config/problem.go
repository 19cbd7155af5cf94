package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Place is a place in a configuration file.
type Place struct {
	File string
	// Line and Column count from 1; Column counts characters. 0 is none.
	Line, Column int
}

// String returns "FILE:LINE:COLUMN".
func (p Place) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.File == "":
		return fmt.Sprintf("line %d, column %d", p.Line, p.Column)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is something that is wrong with a configuration, or, if it is a Warning, unwise.
type Problem struct {
	Place   Place
	Warning bool
	// Key is what it is about, such as "account[2].url"; "" for the file.
	Key string
	// Message says what is wrong, and Hint what to do; it may be empty.
	Message, Hint string
	// Line is the line that is meant, with secrets masked. "" if there is none.
	Line string
}

// String returns the problem as it is printed, in one to three lines.
func (p Problem) String() string {
	var b strings.Builder
	if at := p.Place.String(); at != "" {
		b.WriteString(at + ": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Line != "" {
		b.WriteString("\n    " + p.Line)
	}
	if p.Hint != "" {
		b.WriteString("\n  " + p.Hint)
	}
	return b.String()
}

// Problems are all that was found, in the order of the files and the places in them.
type Problems []Problem

// Err returns the problems that are no warnings as one error, nil if there is none.
func (p Problems) Err() error {
	var all []error
	for _, problem := range p {
		if !problem.Warning {
			all = append(all, errors.New(problem.String()))
		}
	}
	return errors.Join(all...)
}

// sort brings problems into the order of the files and the places in them.
func (p Problems) sort(files []string) {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.Place.File), slices.Index(files, b.Place.File)),
			cmp.Compare(a.Place.Line, b.Place.Line),
			cmp.Compare(a.Place.Column, b.Place.Column),
			cmp.Compare(a.Message, b.Message),
		)
	})
}
