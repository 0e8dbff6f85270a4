package guest

import (
	"fmt"
	"os"
	"path/filepath"
)

// An archive is files in cpio's form "newc", which is all that a kernel asks of
// its first file system.
type archive struct {
	content []byte
	folders map[string]bool // that it has
}

// pack makes one of files, by their paths in it.
func pack(files map[string]string) ([]byte, error) {
	a := &archive{folders: map[string]bool{}}
	for _, name := range []string{"dev", "proc", "sys", "tmp"} {
		a.folder(name)
	}
	for name, path := range files {
		content, err := os.ReadFile(path) //nolint:gosec // the caller's choice
		if err != nil {
			return nil, fmt.Errorf("pack a file: %w", err)
		}
		a.folder(filepath.Dir(name))
		a.entry(name, 0o100755, content)
	}
	a.entry("TRAILER!!!", 0, nil)
	return a.content, nil
}

func (a *archive) folder(name string) {
	if name == "." || a.folders[name] {
		return
	}
	a.folder(filepath.Dir(name))
	a.folders[name] = true
	a.entry(name, 0o040755, nil)
}

func (a *archive) entry(name string, mode int, content []byte) {
	a.content = fmt.Appendf(a.content, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
	a.pad()
	a.content = append(a.content, content...)
	a.pad()
}

func (a *archive) pad() {
	for len(a.content)%4 != 0 {
		a.content = append(a.content, 0)
	}
}
