package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/codec"
	"weir/internal/container"
	"weir/internal/media"
	"weir/publisher"
	"weir/publisher/feed"
	"weir/stream"
)

// Options are what the kind of source needs.
type Options struct {
	// Dir is the media folder; "": there is none.
	Dir string
	// Transcode plays what cannot be played as it is; nil: no FFmpeg is installed.
	Transcode Transcode
	Logger    *slog.Logger // nil discards
}

// Kind is the kind of source "file".
func Kind(o Options) publisher.Kind {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	k := publisher.Kind{
		Name: "file", Title: "Video file",
		Description: "A recorded file of the media folder, as it is: MP4, Matroska, WebM, IVF, Ogg, or a byte stream of H.264 or H.265.",
		Schema:      json.RawMessage(schema),
		New:         func(name string, params json.RawMessage) (publisher.Source, error) { return newSource(o, name, params) },
	}
	if o.Dir == "" {
		k.Missing = errors.New("there is no media folder: name one by media.dir in the configuration, or WEIR_MEDIA_DIR")
	}
	return k
}

const schema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"required": ["file"],
	"additionalProperties": false,
	"properties": {
		"file": {"type": "string", "minLength": 1, "maxLength": 1024, "title": "File", "description": "Its path in the media folder. One of several encodings (clip.h264.mp4, clip.vp9.webm) stands for all: each viewer gets one that it can decode."},
		"loop": {"type": "boolean", "default": true, "title": "Over and over", "description": "Else it is played once, and the stream ends."},
		"start": {"type": "number", "minimum": 0, "maximum": 3600000, "default": 0, "x-unit": "s", "title": "Begin at", "description": "Where to begin. A new value makes a file that plays go there, to the key frame before. A time behind the end is refused, unless the file plays over and over: then it is a time of a later round."},
		"paused": {"type": "boolean", "default": false, "title": "Paused", "description": "The picture stands still until this is taken back."},
		"rate": {"type": "number", "minimum": 0, "maximum": 240, "default": 0, "x-unit": "fps", "title": "Pictures a second", "description": "Of a byte stream, which has no times. 0: as it says itself, or 25."}
	}
}`

// params are what the schema describes.
type params struct {
	File   string  `json:"file"`
	Loop   bool    `json:"loop"`
	Start  float64 `json:"start"`
	Paused bool    `json:"paused"`
	Rate   float64 `json:"rate"`
}

func (p params) start() time.Duration { return time.Duration(p.Start * float64(time.Second)) }

// A source plays one clip. Change and Stats may be called from any goroutine.
type source struct {
	// static after newSource
	opts      Options
	stream    string
	rate      float64 // of a byte stream, as it was wished for; 0: as it says
	encodings []*encoding
	specs     []stream.Spec
	feeds     []*feed.Feed // by spec

	wished chan struct{}        // a wish is new
	spot   atomic.Pointer[spot] // where it is; nil: it has not begun

	mu sync.Mutex
	// guarded by mu
	wish params
	seek bool // to wish.Start
	over bool // it has ended, and takes no more wishes
}

var (
	_ publisher.Source  = (*source)(nil)
	_ publisher.Changer = (*source)(nil)
	_ publisher.Counter = (*source)(nil)
	_ publisher.Placer  = (*source)(nil)
)

// An encoding is one file of a clip, as it was found when the source was made.
type encoding struct {
	path   string
	about  media.Info
	origin time.Duration // of the file's times: that of its first picture
	// feeds are by the file's tracks the source's feeds that they go to; -1: none.
	feeds []int
	// convert says what must be encoded; where nothing is set the file is played as it is.
	video, audio bool
}

// converts says whether the file is played by way of FFmpeg.
func (e *encoding) converts() bool { return e.video || e.audio }

func newSource(o Options, name string, raw json.RawMessage) (*source, error) {
	s := &source{opts: o, stream: name, wished: make(chan struct{}, 1)}
	if err := json.Unmarshal(raw, &s.wish); err != nil {
		return nil, fmt.Errorf("read the parameters: %w", err)
	}
	s.rate = s.wish.Rate
	if !publisher.ValidPath(s.wish.File) {
		return nil, refusal(os.ErrNotExist)
	}
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the media folder: %w", err)
	}
	defer func() { _ = root.Close() }() // it was only read
	paths, err := encodings(root, s.wish.File)
	if err != nil {
		return nil, refusal(err)
	}
	for i, path := range paths {
		if err := s.add(root, path); err != nil {
			if i == 0 && len(paths) == 1 {
				return nil, refusal(err)
			}
			o.Logger.Warn("encoding is left out", "stream", name, "file", path, "err", err)
		}
	}
	if len(s.specs) == 0 {
		return nil, refusal(fmt.Errorf("%w: none of its encodings can", media.ErrUnsupported))
	}
	if err := s.reaches(s.wish); err != nil {
		return nil, err
	}
	for _, spec := range s.specs {
		f, err := feed.New(spec)
		if err != nil {
			return nil, err
		}
		s.feeds = append(s.feeds, f)
	}
	return s, nil
}

// refusal says of the parameter what is wrong with its file.
func refusal(err error) error {
	detail := "names a file that cannot be played: " + err.Error()
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || !errors.Is(err, media.ErrDamaged) && !errors.Is(err, media.ErrUnsupported) {
		detail = "must be the path of a file in the media folder"
	}
	return &publisher.ParamError{Problems: []publisher.ParamProblem{{Name: "file", Detail: detail}}}
}

// headUnits is how much of a file's beginning is read before it plays: B-frames show at once.
const headUnits = 150

// add looks at one file, and takes of its tracks what the clip lacks.
func (s *source) add(root *os.Root, path string) error {
	f, err := openIn(root, path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	d, err := s.demuxer(context.Background(), f)
	if err != nil {
		return err
	}
	e := &encoding{path: path, about: d.About()}
	head := newPreview(e.about)
	if err := head.read(context.Background(), d, headUnits); err != nil {
		return err
	}
	e.origin = head.origin(e.about.Tracks)
	video, audio := media.Choose(e.about.Tracks)
	if video >= 0 {
		if err := s.picture(e, e.about.Tracks[video], head.bframes); err != nil {
			return err
		}
	}
	title := s.sound(e, video)
	return s.take(e, video, audio, title)
}

// picture decides whether a picture must be encoded.
func (s *source) picture(e *encoding, t media.Track, bframes bool) error {
	able := s.opts.Transcode != nil && !s.has(codec.H264)
	why := hindrance(t, bframes)
	if why != "" && !able {
		return fmt.Errorf("%w: %s %s", media.ErrUnsupported, why, remedy(e.path, e.about.Tracks))
	}
	e.video = why != "" || able && t.Rotation != 0
	return nil
}

// sound decides what becomes of a sound that browsers do not take, and says what viewers should know of it.
func (s *source) sound(e *encoding, video int) (title string) {
	if !mute(e.about.Tracks) || s.has(codec.Opus) {
		return ""
	}
	if s.opts.Transcode != nil {
		e.audio = true
		return ""
	}
	for _, t := range e.about.Tracks {
		if t.Kind == codec.Audio && video >= 0 {
			s.opts.Logger.Warn("sound of the file is left out", "stream", s.stream, "file", e.path, "codec", t.Codec,
				"reason", verdict{name: e.path, tracks: e.about.Tracks}.sound(t.Codec))
			return "Without sound: the file's is " + t.Codec + ", and no FFmpeg is installed to make it Opus."
		}
	}
	return ""
}

// has says whether the clip has a track of a codec already.
func (s *source) has(name string) bool {
	for _, spec := range s.specs {
		if spec.Format.Name == name {
			return true
		}
	}
	return false
}

// take adds an encoding's tracks, as far as the clip has none of the kind (of sound) or of the codec (of pictures) yet.
func (s *source) take(e *encoding, video, audio int, title string) error {
	before := len(s.specs)
	if e.converts() {
		e.origin = 0  // a conversion's times begin with it
		e.feeds = nil // by codec, when the tracks of the conversion are known
		if video >= 0 && !e.video {
			s.publish(specOf(e.about.Tracks[video]))
		} else if video >= 0 {
			s.publish(stream.Spec{Format: publisher.H264()})
		}
		if e.audio || audio >= 0 {
			s.publish(stream.Spec{Format: publisher.Opus()})
		}
	} else {
		e.feeds = make([]int, len(e.about.Tracks))
		for i := range e.feeds {
			e.feeds[i] = -1
		}
		if video >= 0 {
			spec := specOf(e.about.Tracks[video])
			spec.Title = title
			e.feeds[video] = s.publish(spec)
		}
		if audio >= 0 {
			e.feeds[audio] = s.publish(specOf(e.about.Tracks[audio]))
		}
	}
	if len(s.specs) == before {
		if video < 0 && audio < 0 {
			return fmt.Errorf("%w: there is no track in it that browsers play. It has %s. %s", media.ErrUnsupported, codecs(e.about.Tracks), remedy(e.path, e.about.Tracks))
		}
		return fmt.Errorf("%w: another encoding has the same codecs", media.ErrUnsupported)
	}
	s.encodings = append(s.encodings, e)
	return nil
}

// publish adds a track, unless there is one of its codec.
func (s *source) publish(spec stream.Spec) int {
	if s.has(spec.Format.Name) {
		return -1
	}
	s.specs = append(s.specs, spec)
	return len(s.specs) - 1
}

// demuxer opens a file, with the rate that is wished for.
func (s *source) demuxer(ctx context.Context, f *os.File) (demuxer, error) {
	size, err := sizeOf(f)
	if err != nil {
		return nil, err
	}
	d, err := container.Open(ctx, f, size)
	if err != nil {
		return nil, err //nolint:wrapcheck // for people: it says what is wrong with the file
	}
	if s.rate >= 1 {
		d.SetRate(s.rate)
	}
	return d, nil
}

// Specs implements publisher.Source.
func (s *source) Specs() []stream.Spec { return s.specs }

// Stats implements publisher.Counter.
func (s *source) Stats() []publisher.Stats {
	all := make([]publisher.Stats, len(s.feeds))
	for i, f := range s.feeds {
		all[i] = f.Stats()
	}
	return all
}

// Change implements publisher.Changer: all but the file itself.
func (s *source) Change(raw json.RawMessage) (done bool, err error) {
	var p params
	if err := json.Unmarshal(raw, &p); err != nil {
		return false, fmt.Errorf("read the parameters: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || p.File != s.wish.File || p.Rate != s.wish.Rate { // as it was given
		return false, nil
	}
	if err := s.reaches(p); err != nil {
		return false, err
	}
	for _, e := range s.encodings {
		if e.converts() && p.Loop != s.wish.Loop {
			return false, nil
		}
	}
	s.seek = s.seek || p.Start != s.wish.Start // as it was given
	s.wish = p
	select {
	case s.wished <- struct{}{}:
	default: // it has not taken the last one yet
	}
	return true, nil
}

// wishes are what is wished for now; seek says that it has to go to the start.
func (s *source) wishes() (p params, seek bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, seek = s.wish, s.seek
	if s.seek {
		s.seek = false
		s.spot.Store(standing(s.begins(p))) // until it is there
	}
	return p, seek
}

// wanted are the wishes, without doing anything about them.
func (s *source) wanted() params {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wish
}

// ends makes it the end, unless there is a wish that was not heeded yet.
func (s *source) ends() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = len(s.wished) == 0
	return s.over
}

// Run implements publisher.Source.
func (s *source) Run(ctx context.Context, pub *stream.Publication) error {
	if len(pub.Tracks()) != len(s.feeds) {
		return fmt.Errorf("publication has %d tracks, the clip has %d", len(pub.Tracks()), len(s.feeds))
	}
	for _, f := range s.feeds {
		f.SetRunning(true)
		defer f.SetRunning(false)
	}
	root, err := os.OpenRoot(s.opts.Dir)
	if err != nil {
		return fmt.Errorf("open the media folder: %w", err)
	}
	defer func() { _ = root.Close() }() // it was only read
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &player{source: s, publication: pub, tracks: pub.Tracks()}
	defer p.close()
	defer s.stand()
	for _, e := range s.encodings {
		if err := p.open(running, root, e); err != nil {
			return stopped(ctx, err)
		}
	}
	return stopped(ctx, p.play(ctx))
}

// stopped is an error unless ctx is done, which ends all that reads.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, io.EOF) {
		return nil //nolint:nilerr // so it ends
	}
	return err
}
