package config

import (
	"os"
	"path/filepath"
)

// FileName is how the main file is called unless somebody says otherwise.
const FileName = "pushmail.toml"

// Find returns the file to read: name, or pushmail.toml in it if it is a directory. Without a name it is pushmail.toml here, or in
// $XDG_CONFIG_HOME/pushmail, ~/.config/pushmail or /etc/pushmail, the first that is there, or else the one here.
func Find(name string, getenv func(string) string) string {
	if name != "" {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			return filepath.Join(name, FileName)
		}
		return name
	}
	places := []string{"."}
	if dir := getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		places = append(places, filepath.Join(dir, "pushmail"))
	} else if home := getenv("HOME"); home != "" {
		places = append(places, filepath.Join(home, ".config", "pushmail"))
	}
	for _, dir := range append(places, "/etc/pushmail") {
		if info, err := os.Stat(filepath.Join(dir, FileName)); err == nil && !info.IsDir() {
			return filepath.Join(dir, FileName)
		}
	}
	return FileName
}
