//go:build unix

package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"weir/auth"
)

const empty = `{"version": 1, "tokens": []}`

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode() & (os.ModePerm | os.ModeSticky)
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestModesOfWhatIsMade(t *testing.T) {
	path := statePath(t)
	s, _ := open(t, path)
	must(t)(s.Ensure(administer, "admin"))
	if dir, file := modeOf(t, filepath.Dir(path)), modeOf(t, path); dir != 0o700 || file != 0o600 {
		t.Errorf("directory %04o, file %04o; want 0700, 0600", dir, file)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("there is more than the state file: %v, %v", left, err)
	}
}

func TestWrongModesAreRepaired(t *testing.T) {
	path := written(t, empty)
	dir := filepath.Dir(path)
	for _, c := range []struct {
		dir, file, wantDir os.FileMode
		want               []string
	}{
		{0o700, 0o600, 0o700, nil},
		{0o755, 0o600, 0o755, nil}, // as systemd makes it: looking does no harm
		{0o700, 0o644, 0o700, []string{"tokens.json was open to others (mode 0644"}},
		{0o775, 0o600, 0o755, []string{"others could write to"}},
		{0o777, 0o660, 0o755, []string{"others could write to", "was open to others"}},
		{0o700, 0o400, 0o700, nil},
	} {
		chmod(t, dir, c.dir)
		chmod(t, path, c.file)
		_, w := open(t, path)
		got := strings.Join(w.take(), "\n")
		if (got == "") != (c.want == nil) {
			t.Errorf("%04o/%04o: warned %q", c.dir, c.file, got)
		}
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%04o/%04o: warned %q, want %q", c.dir, c.file, got, want)
			}
		}
		if modeOf(t, dir) != c.wantDir || modeOf(t, path)&0o077 != 0 {
			t.Errorf("%04o/%04o: now %04o/%04o", c.dir, c.file, modeOf(t, dir), modeOf(t, path))
		}
	}
}

func TestModeThatBecomesWrongIsRepaired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := statePath(t)
		s, w := open(t, path)
		admin := must(t)(s.Ensure(administer, "admin"))
		chmod(t, path, 0o644)
		for range 3 {
			time.Sleep(time.Second)
			if !known(t, s, admin) {
				t.Error("the token is not known")
			}
		}
		if got := w.take(); len(got) != 1 || modeOf(t, path) != 0o600 {
			t.Errorf("warned %q, mode %04o", got, modeOf(t, path))
		}
	})
}

// A directory for everybody is nobody's state directory, and not to be changed.
func TestSharedDirectoryIsRefused(t *testing.T) {
	path := written(t, empty)
	dir := filepath.Dir(path)
	chmod(t, dir, 0o777|os.ModeSticky)
	if _, err := auth.Open(auth.Options{Path: path}); err == nil || !strings.Contains(err.Error(), "for everybody") {
		t.Errorf("open: %v", err)
	}
	s, _ := open(t, filepath.Join(dir, "other.json"))
	if _, err := s.Ensure(administer, "admin"); err == nil || !strings.Contains(err.Error(), "for everybody") {
		t.Errorf("ensure: %v", err)
	}
	if modeOf(t, dir) != 0o777|os.ModeSticky {
		t.Errorf("its mode is now %v", modeOf(t, dir))
	}
}

func TestWhatIsNoFileIsRefused(t *testing.T) {
	for what, c := range map[string]struct {
		make func(path string) error
		want string
	}{
		"link to a good file": {func(path string) error {
			good := path + ".good"
			return errors.Join(os.WriteFile(good, []byte(empty), 0o600), os.Symlink(good, path))
		}, "is a symbolic link"},
		"link to nothing": {func(path string) error { return os.Symlink(path+".nothing", path) }, "is a symbolic link"},
		"directory":       {func(path string) error { return os.Mkdir(path, 0o700) }, "is a directory"},
		"pipe":            {func(path string) error { return syscall.Mkfifo(path, 0o600) }, "is no regular file"},
		"device":          {func(path string) error { return os.Symlink("/dev/zero", path) }, "is a symbolic link"},
		"huge": {func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<32))
		}, "more than 1048576 bytes"},
	} {
		path := written(t, "")
		if err := errors.Join(os.Remove(path), c.make(path)); err != nil {
			t.Fatal(err)
		}
		if _, err := auth.Open(auth.Options{Path: path}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

// systemd's state directory is a link, and one that is interrupted leaves a file.
func TestDirectoryByALinkAndAfterACrash(t *testing.T) {
	path := written(t, empty)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "target")
	write(t, target, "untouched")
	if err := os.Symlink(target, path+".new"); err != nil {
		t.Fatal(err)
	}
	s, w := open(t, filepath.Join(link, "tokens.json"))
	must(t)(s.Ensure(administer, "admin"))
	if got, err := os.ReadFile(target); string(got) != "untouched" {
		t.Errorf("written through a link: %q, %v", got, err)
	}
	if again, _ := open(t, path); len(again.Tokens()) != 1 || len(w.take()) != 0 {
		t.Errorf("tokens %v", again.Tokens())
	}
}

// What root changes stays the service's.
func TestOwnerStays(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	const service = 65534
	path := statePath(t)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Dir(path), service, service); err != nil {
		t.Skip("not permitted here: ", err)
	}
	s, _ := open(t, path)
	for _, name := range []string{"first", "second"} {
		must(t)(s.Add(name, []auth.Action{publish}))
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || owner.Uid != service {
			t.Errorf("%s: the file is not the service's", name)
		}
	}
}
