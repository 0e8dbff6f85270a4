package exec

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"time"
)

// findTime is how long FFmpeg may take to say what it has.
const findTime = 10 * time.Second

// Find looks FFmpeg up: path, or "ffmpeg" where programs lie if that is "". It fails where there is none that can be used, in
// words for people.
func Find(ctx context.Context, path string) (string, error) {
	if path == "" {
		path = "ffmpeg"
	}
	found, err := osexec.LookPath(path)
	if err != nil {
		return "", fmt.Errorf("there is no %s on this machine: install FFmpeg, or say where it is with ffmpeg.path", path)
	}
	if found, err = filepath.Abs(found); err != nil {
		return "", fmt.Errorf("find FFmpeg: %w", err)
	}
	encoders, err := ask(ctx, found, "-encoders")
	if err != nil {
		return "", fmt.Errorf("%s does not answer: %w", found, err)
	}
	var missing []string
	for _, name := range []string{"libx264", "libopus"} {
		if !encoders[name] {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("%s has no encoder %s: install a build with it, or say where one is with ffmpeg.path", found, strings.Join(missing, " and no "))
	}
	return found, nil
}

// ask returns the second words of the lines that FFmpeg answers with.
func ask(ctx context.Context, path, question string) (map[string]bool, error) {
	c, err := startChild(command{path: path, args: []string{"-hide_banner", question}, env: environment()})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }() // it has ended, or is killed
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	words := map[string]bool{}
	scanner := bufio.NewScanner(c)
	for scanner.Scan() {
		if fields := strings.Fields(scanner.Text()); len(fields) > 1 && len(words) < 10_000 {
			words[fields[1]] = true
		}
	}
	if ctx.Err() != nil {
		return nil, errors.New("it was too slow")
	}
	return words, c.failure(ctx)
}
