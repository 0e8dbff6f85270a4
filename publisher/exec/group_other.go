//go:build !unix

package exec

import (
	"os"
	osexec "os/exec"
	"sync"
)

// A group is the child alone: there are no process groups here.
type group struct {
	mu sync.Mutex
	// guarded by mu
	process *os.Process
}

func (*group) prepare(*osexec.Cmd) {}

func (g *group) begin(pid int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.process, _ = os.FindProcess(pid) // it runs
}

func (g *group) wait(cmd *osexec.Cmd) error {
	err := cmd.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.process != nil {
		_ = g.process.Release()
	}
	g.process = nil
	return err
}

func (g *group) terminate() { g.kill() }

func (g *group) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.process != nil {
		_ = g.process.Kill() // it has ended otherwise
	}
}
