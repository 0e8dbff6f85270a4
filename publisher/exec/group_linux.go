package exec

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A group is a child's process group. Its number is the child's, and nobody else's until the child is reaped: after that no
// signal is sent.
type group struct {
	mu sync.Mutex
	// guarded by mu
	id int // 0: none, or reaped
}

func (g *group) prepare(cmd *osexec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func (g *group) begin(pid int) {
	// What a large picture costs must not cost Weir its life: short of memory, the kernel takes the child first.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("500"), 0) // it may not be ours to say
	g.mu.Lock()
	defer g.mu.Unlock()
	g.id = pid
}

// wait waits for the child's end, ends what is left of its group, and reaps it.
func (g *group) wait(cmd *osexec.Cmd) error {
	for {
		// The child stays a zombie, which keeps its number.
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	g.mu.Lock()
	_ = unix.Kill(-g.id, unix.SIGKILL)
	g.id = 0
	g.mu.Unlock()
	return cmd.Wait()
}

func (g *group) terminate() { g.signal(unix.SIGTERM) }
func (g *group) kill()      { g.signal(unix.SIGKILL) }

func (g *group) signal(s syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.id > 0 {
		_ = unix.Kill(-g.id, s) // it has ended otherwise
	}
}
