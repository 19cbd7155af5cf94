//go:build !linux

package sqlite

import (
	"errors"
	"fmt"
)

func writeToTheLimit(string) error {
	return fmt.Errorf("limits on the size of files: %w", errors.ErrUnsupported)
}

func mountSmall(string, int) (func(), error) { return nil, errors.ErrUnsupported }
