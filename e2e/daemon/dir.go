package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
)

// DirNameLen is the length of the names that TempDir makes.
const DirNameLen = len("/tmp/pm00000")

// TempDir makes a directory whose name is short: unix sockets live in it, whose names may have 107 bytes, and package courier needs a name
// of exactly this length.
func TempDir() (string, error) {
	for range 100 {
		dir := fmt.Sprintf("/tmp/pm%05x", rand.IntN(1<<20))
		err := os.Mkdir(dir, 0o700)
		if err == nil || !errors.Is(err, fs.ErrExist) {
			return dir, err
		}
	}
	return "", errors.New("no free name of the form /tmp/pm00000")
}
