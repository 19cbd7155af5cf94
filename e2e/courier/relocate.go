package courier

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Courier has its directories compiled in, one set for the whole machine. relocate copies the unpacked programs into dir with other
// paths in their place, of the same length: so any number of servers run side by side, without root, and leave nothing behind.
// So is the user who does STARTTLS, "courier".
func relocate(dir, user string) error {
	paths := map[string]string{}
	if len(user) <= len("courier") {
		paths["\x00courier\x00"] = "\x00" + user + strings.Repeat("\x00", len("courier")-len(user)+1)
	}
	for old, sub := range map[string]string{"/etc/courier": "", "/run/courier": "", "/usr/lib/courier-authlib": "authlib"} {
		path := filepath.Join(dir, sub)
		if len(path) > len(old) {
			return fmt.Errorf("%s is too long to take the place of %s", path, old)
		}
		paths[old] = path + strings.Repeat("/", len(old)-len(path))
	}
	for target, source := range map[string]string{
		"bin":     "usr/bin/imapd usr/bin/couriertls usr/sbin/couriertcpd usr/lib/courier/courier/imaplogin usr/lib/courier/courier-authlib/*",
		"lib":     "usr/lib/lib*.so.0",
		"authlib": "usr/lib/courier-authlib/lib*.so.0",
	} {
		if err := os.Mkdir(filepath.Join(dir, target), 0o755); err != nil {
			return err
		}
		for pattern := range strings.FieldsSeq(source) {
			if err := copyFiles(filepath.Join(root, pattern), filepath.Join(dir, target), paths); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyFiles(pattern, target string, paths map[string]string) error {
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		return fmt.Errorf("nothing matches %s (%w)", pattern, err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for old, instead := range paths {
			text = bytes.ReplaceAll(text, []byte(old), []byte(instead))
		}
		if err := os.WriteFile(filepath.Join(target, filepath.Base(path)), text, fs.FileMode(0o755)); err != nil {
			return err
		}
	}
	return nil
}
