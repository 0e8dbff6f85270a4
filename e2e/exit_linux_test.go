//go:build e2e

package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Who may not have a port is told which ones anybody may have. A network of its own keeps the kernel's usual bounds, whatever
// the machine's are.
func TestExitCodeWithoutPermission(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		lack(t, "root, to become somebody else")
	}
	const nobody = 65534
	folder, err := os.MkdirTemp("", "weir-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chown(folder, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(build(t, "1"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "weir")
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-addr", ":81")
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET,
		Credential: &syscall.Credential{Uid: nobody, Gid: nobody},
	}
	ends(t, cmd, "WEIR_STATE_DIR="+filepath.Join(folder, "state")).want(t, 1, "no permission", ":81", "1024", "-addr")
}
