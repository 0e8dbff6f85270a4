//go:build e2e && linux

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"weir/internal/guest"
)

// TestInsideCamera is the first process of the machine that TestCamera starts. It runs the program whose file and two ports
// are its arguments: the program's own, and one at which the host asks about the camera.
func TestInsideCamera(t *testing.T) {
	if !guest.Inside() {
		t.Skip("runs in the machine of TestCamera")
	}
	wrong := ""
	if err := serveCamera(t.Context()); err != nil {
		wrong = err.Error()
	}
	if err := errors.Join(guest.Tell(wrong), guest.PowerOff()); err != nil {
		t.Error(err)
	}
}

// serveCamera returns when the host has asked for the end.
func serveCamera(ctx context.Context) (err error) {
	defer func() {
		if broken := recover(); broken != nil { // the first process must not end
			err = fmt.Errorf("panic: %v", broken)
		}
	}()
	port, err := strconv.ParseUint(os.Args[len(os.Args)-2], 10, 16)
	if err != nil {
		return fmt.Errorf("a port: %w", err)
	}
	if err := errors.Join(guest.Mount(), guest.PlugIn(), guest.Connect()); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if _, err := guest.Forward(ctx, uint16(port)); err != nil {
		return err
	}
	weir := exec.CommandContext(ctx, filepath.Join("/bin", os.Args[len(os.Args)-3]), "-addr", fmt.Sprintf("127.0.0.1:%d", port))
	weir.Env = []string{"WEIR_STATE_DIR=/tmp/weir", "WEIR_DEFAULT_STREAM=false", withAdmin}
	weir.Stderr = os.Stderr // what it prints besides has the token
	if err := weir.Start(); err != nil {
		return fmt.Errorf("start weir: %w", err)
	}
	asked := make(chan struct{})
	questions := http.NewServeMux()
	questions.HandleFunc("GET /picture", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, takePicture()) })
	questions.HandleFunc("POST /end", func(http.ResponseWriter, *http.Request) { close(asked) })
	listener, err := net.Listen("tcp", net.JoinHostPort(guest.Address, os.Args[len(os.Args)-1]))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	go func() { _ = http.Serve(listener, questions) }()
	<-asked
	if err := errors.Join(weir.Process.Signal(syscall.SIGTERM), weir.Wait()); err != nil {
		return fmt.Errorf("end weir: %w", err)
	}
	return nil
}

// takePicture opens the camera as another program does, and says what comes of it: "" is a picture.
func takePicture() string {
	camera, err := unix.Open(guest.CameraFile, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err.Error()
	}
	defer unix.Close(camera) //nolint:errcheck // nothing was written
	if n, err := unix.Read(camera, make([]byte, 1<<24)); err != nil || n < 1000 {
		return fmt.Sprintf("%d bytes, %v", n, err)
	}
	return ""
}

// insideArgs start TestInsideCamera.
func insideArgs(program string, ports ...int) []string {
	args := []string{"-test.run=^TestInsideCamera$", "-test.timeout=0", filepath.Base(program)}
	return append(args, strings.Fields(strings.Trim(fmt.Sprint(ports), "[]"))...)
}

// asksCamera asks the machine whether another program can have the camera now: "" is yes.
func asksCamera(t *testing.T, control string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, control+"/picture", nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(reply.Body)
	if err = errors.Join(err, reply.Body.Close()); err != nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("the machine: %s, %v", reply.Status, err)
	}
	return string(answer)
}
