//go:build cgo && linux

package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/mediadevices/pkg/driver"

	"weir/publisher"
)

const (
	lookGap    = 500 * time.Millisecond // between two looks at what is plugged in
	inspectGap = 2 * time.Second        // between two looks into one device
	answerTime = 3 * time.Second        // that devices have to answer
)

// hardware is what an Inventory looks at. Tests have their own.
type hardware struct {
	// find looks at what is plugged in anew. One call at a time.
	find func() []driver.Driver
	// mark changes when find might find something else. It is cheap.
	mark func() string
	// sound says that there are drivers for microphones.
	sound bool
	// present says whether a device's file is there.
	present func(u *unit) bool
}

// An Inventory knows the devices of this machine, and holds the one capture of each that is in use. It looks at what is
// plugged in when somebody asks, so it runs nothing. Its methods may be called from any goroutine.
type Inventory struct {
	// static after NewInventory
	hardware hardware
	log      *slog.Logger
	look     chan struct{} // one token: whoever looks at the hardware

	// owned by who has look's token
	printed  string
	lookedAt time.Time

	mu sync.Mutex
	// guarded by mu
	units    map[string]*unit    // that are plugged in, by id
	captures map[string]*capture // in use, by the unit's id
	closing  map[string]*capture // the newest that is not in use and not closed yet
}

// NewInventory opens nothing.
func NewInventory(log *slog.Logger) *Inventory { return newInventory(log, machine()) }

func newInventory(log *slog.Logger, h hardware) *Inventory {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Inventory{
		hardware: h, log: log, look: make(chan struct{}, 1),
		units: map[string]*unit{}, captures: map[string]*capture{}, closing: map[string]*capture{},
	}
}

// refresh looks at what is plugged in, unless it just has.
func (v *Inventory) refresh(ctx context.Context) error {
	select {
	case v.look <- struct{}{}:
	case <-ctx.Done():
		return ErrSilent
	}
	if bounded(ctx, func() {
		defer func() { <-v.look }()
		v.find()
	}) != nil {
		return ErrSilent
	}
	return nil
}

func (v *Inventory) find() {
	if !v.lookedAt.IsZero() && time.Since(v.lookedAt) < lookGap {
		return
	}
	v.lookedAt = time.Now()
	printed := v.hardware.mark()
	if printed == v.printed {
		return
	}
	v.printed = printed
	found := map[string]*unit{}
	for _, d := range v.hardware.find() {
		if u := newUnit(d); u != nil {
			found[u.id()] = u
		}
	}
	come, gone := v.merge(found)
	for _, u := range come {
		v.log.Info("device is plugged in", "kind", noun(u.kind), "path", u.path(), "text", u.name)
	}
	for _, u := range gone {
		v.log.Info("device is unplugged", "kind", noun(u.kind), "path", u.path(), "text", u.name)
	}
}

// merge takes over what was found, and says what of it is new and what is there no more.
func (v *Inventory) merge(found map[string]*unit) (come, gone []*unit) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, u := range found {
		was := v.units[id]
		if was == nil || was.node != u.node {
			come = append(come, u)
			continue
		}
		// The older one may be in use. It opens the same file.
		was.title, was.bus, was.seen = u.title, u.bus, time.Time{}
		found[id] = was
	}
	for id, u := range v.units {
		if found[id] == nil {
			gone = append(gone, u)
		}
	}
	v.units = found
	return come, gone
}

// sorted are the units of a kind that are plugged in: first the one that is used when none is named.
func (v *Inventory) sorted(kind driver.DeviceType) []*unit {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]*unit, 0, len(v.units))
	for _, u := range v.units {
		if u.kind == kind {
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(a, b *unit) int {
		if a.first != b.first {
			return map[bool]int{true: -1, false: 1}[a.first]
		}
		return cmp.Or(cmp.Compare(len(a.node), len(b.node)), strings.Compare(a.node, b.node), strings.Compare(a.name, b.name))
	})
	return all
}

// inspect sees what a device can do, unless it just has or this program uses it.
func (v *Inventory) inspect(ctx context.Context, u *unit) error {
	v.mu.Lock()
	fresh := !u.seen.IsZero() && time.Since(u.seen) < inspectGap
	reason, d, used := u.reason, u.driver, v.captures[u.id()] != nil
	v.mu.Unlock()
	switch {
	case used:
		return nil
	case fresh:
		return reason
	}
	if !u.enter(ctx.Done()) {
		return fmt.Errorf("%s %w", u.quoted(), ErrSilent)
	}
	if bounded(ctx, func() {
		defer u.leave()
		modes, err := inspect(d)
		switch {
		case err != nil:
			err = u.why(err)
		case u.kind != driver.Microphone && len(formats(modes)) == 0:
			err = fmt.Errorf("%s %w: it has no format that can be decoded", u.quoted(), ErrNotCamera)
		}
		v.mu.Lock()
		u.modes, u.reason, u.seen = modes, err, time.Now()
		v.mu.Unlock()
	}) != nil {
		return fmt.Errorf("%s %w", u.quoted(), ErrSilent)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return u.reason
}

// lookup finds a device by its name or its file's, "" for the first that can be used, and sees that it can.
func (v *Inventory) lookup(ctx context.Context, kind driver.DeviceType, name string) (*unit, error) {
	if err := v.refresh(ctx); err != nil {
		return nil, fmt.Errorf("the devices of this machine cannot be listed: %w", err)
	}
	units := v.sorted(kind)
	if len(units) == 0 {
		return nil, nothing(kind, name)
	}
	var first error
	for _, u := range units {
		if name != "" && name != u.name && name != u.node {
			continue
		}
		err := v.inspect(ctx, u)
		if err == nil {
			return u, nil
		}
		if first == nil {
			first = err
		}
	}
	if first != nil {
		return nil, first
	}
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = fmt.Sprintf("%q", u.name)
	}
	return nil, fmt.Errorf("%s %q %w; there are: %s", noun(kind), name, ErrAbsent, strings.Join(names, ", "))
}

// nothing says that there is no device of a kind.
func nothing(kind driver.DeviceType, name string) error {
	if name == "" {
		return fmt.Errorf("there is no %s: %w", noun(kind), ErrNone)
	}
	return fmt.Errorf("%s %q %w: %w", noun(kind), name, ErrAbsent, ErrNone)
}

// choices are the devices with what they can do; those that are no cameras, as the second file of many is not, are left out.
func (v *Inventory) choices(ctx context.Context, kind driver.DeviceType, param string) ([]publisher.Choice, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := v.refresh(ctx); err != nil {
		return nil, fmt.Errorf("the devices of this machine cannot be listed: %w", err)
	}
	var all []publisher.Choice
	for _, u := range v.sorted(kind) {
		reason := v.inspect(ctx, u)
		if errors.Is(reason, ErrNotCamera) {
			continue
		}
		v.mu.Lock()
		r := report{Node: u.node, Bus: u.bus, InUse: v.captures[u.id()] != nil, Formats: formats(u.modes)}
		title := u.title
		v.mu.Unlock()
		if reason != nil {
			r.Reason = reason.Error()
		}
		all = append(all, publisher.Choice{Param: param, Value: u.name, Title: title, Report: r.raw()})
	}
	if len(all) == 0 {
		return nil, nothing(kind, "")
	}
	distinguish(all)
	return all, nil
}

// distinguish adds the name to titles that more than one has.
func distinguish(all []publisher.Choice) {
	count := map[string]int{}
	for _, c := range all {
		count[c.Title]++
	}
	for i, c := range all {
		if count[c.Title] > 1 {
			all[i].Title = fmt.Sprintf("%s (%s)", c.Title, c.Value)
		}
	}
}
