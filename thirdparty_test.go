package weir_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// linked returns the modules of the program and their versions, for the systems
// that are vetted too.
func linked(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, cgo := range []string{"1", "0"} {
			c := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./cmd/weir")
			c.Env = append(os.Environ(), "CGO_ENABLED="+cgo, "GOOS="+system)
			out, err := c.Output()
			if err != nil {
				t.Fatalf("go list for %s: %v", system, err)
			}
			for line := range strings.Lines(string(out)) {
				if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
					all[name] = version
				}
			}
		}
	}
	return all
}

// THIRD_PARTY.md names every linked module with its version and a licence, and
// no other.
func TestThirdParty(t *testing.T) {
	text, err := os.ReadFile("THIRD_PARTY.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	row := regexp.MustCompile(`(?m)^\| ([a-z0-9.]+\.[a-z]+/\S+) \| (v\S+) \| ([A-Za-z0-9.-]+) \| <https://\S+> \|$`)
	for _, fields := range row.FindAllStringSubmatch(string(text), -1) {
		if named[fields[1]] != "" {
			t.Errorf("THIRD_PARTY.md names %s twice", fields[1])
		}
		named[fields[1]] = fields[2]
	}
	modules := linked(t)
	if len(modules) == 0 {
		t.Fatal("go list names no module")
	}
	for module, version := range modules {
		if named[module] != version {
			t.Errorf("%s %s is linked; THIRD_PARTY.md names version %q of it", module, version, named[module])
		}
	}
	for module := range named {
		if modules[module] == "" {
			t.Errorf("THIRD_PARTY.md names %s, which is not linked", module)
		}
	}
}
