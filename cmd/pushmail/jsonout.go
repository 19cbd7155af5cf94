package main

import (
	"encoding/json"
	"io"
)

// writeJSON prints v for programs, and for people who look.
func writeJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return write(w, string(text)+"\n")
}
