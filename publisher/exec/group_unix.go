//go:build unix && !linux

package exec

import (
	osexec "os/exec"
	"sync"
	"syscall"
)

// A group is a child's process group. Its number is the child's.
type group struct {
	mu sync.Mutex
	// guarded by mu
	id int // 0: none, or reaped
}

func (g *group) prepare(cmd *osexec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func (g *group) begin(pid int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.id = pid
}

// wait waits for the child's end and ends what is left of its group: there is a moment in which its number is nobody's.
func (g *group) wait(cmd *osexec.Cmd) error {
	err := cmd.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = syscall.Kill(-g.id, syscall.SIGKILL)
	g.id = 0
	return err
}

func (g *group) terminate() { g.signal(syscall.SIGTERM) }
func (g *group) kill()      { g.signal(syscall.SIGKILL) }

func (g *group) signal(s syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.id > 0 {
		_ = syscall.Kill(-g.id, s) // it has ended otherwise
	}
}
