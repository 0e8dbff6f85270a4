//go:build cgo && vpx

package device

/*
#cgo pkg-config: vpx
#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

// All of an encoder lies in C memory: no Go pointer is kept in it.
typedef struct {
	vpx_codec_ctx_t codec;
	vpx_codec_enc_cfg_t cfg;
} weir_vp8;

static void weir_vp8_config(vpx_codec_enc_cfg_t *cfg, unsigned width, unsigned height, unsigned kbps) {
	cfg->g_w = width;
	cfg->g_h = height;
	cfg->g_timebase.num = 1;
	cfg->g_timebase.den = 90000;
	cfg->g_threads = 1;
	cfg->g_lag_in_frames = 0;
	// A picture refers to the one before in any case: what is lost is sent again, or a key frame is asked for.
	cfg->g_error_resilient = 0;
	cfg->g_pass = VPX_RC_ONE_PASS;
	cfg->rc_end_usage = VPX_CBR;
	cfg->rc_target_bitrate = kbps;
	cfg->rc_min_quantizer = 4;
	cfg->rc_max_quantizer = 56;
	cfg->rc_undershoot_pct = 100;
	cfg->rc_overshoot_pct = 15;
	cfg->rc_buf_initial_sz = 500;
	cfg->rc_buf_optimal_sz = 600;
	cfg->rc_buf_sz = 1000;
	cfg->rc_dropframe_thresh = 30;
	cfg->rc_resize_allowed = 0;
	cfg->kf_mode = VPX_KF_DISABLED; // the caller says when
}

// weir_vp8_new returns NULL and sets *err if there can be no encoder. threshold is below which difference a block stays as
// it was; intra is the most bits of a key frame, in percent of a picture's share.
static weir_vp8 *weir_vp8_new(unsigned width, unsigned height, unsigned kbps, int speed, int threshold, unsigned intra,
		vpx_codec_err_t *err) {
	weir_vp8 *e = calloc(1, sizeof *e);
	if (!e) {
		*err = VPX_CODEC_MEM_ERROR;
		return NULL;
	}
	*err = vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &e->cfg, 0);
	if (*err == VPX_CODEC_OK) {
		weir_vp8_config(&e->cfg, width, height, kbps);
		*err = vpx_codec_enc_init(&e->codec, vpx_codec_vp8_cx(), &e->cfg, 0);
	}
	if (*err != VPX_CODEC_OK) {
		free(e);
		return NULL;
	}
	if ((*err = vpx_codec_control(&e->codec, VP8E_SET_CPUUSED, speed)) != VPX_CODEC_OK ||
			(*err = vpx_codec_control(&e->codec, VP8E_SET_STATIC_THRESHOLD, threshold)) != VPX_CODEC_OK ||
			(*err = vpx_codec_control(&e->codec, VP8E_SET_MAX_INTRA_BITRATE_PCT, intra)) != VPX_CODEC_OK) {
		vpx_codec_destroy(&e->codec);
		free(e);
		return NULL;
	}
	return e;
}

// weir_vp8_encode encodes one picture. The library copies the planes before it returns. *out is NULL where it leaves the
// picture out, else memory of the encoder's, which holds until the next call.
static vpx_codec_err_t weir_vp8_encode(weir_vp8 *e, unsigned char *y, unsigned char *u, unsigned char *v, int ystride,
		int cstride, vpx_codec_pts_t pts, unsigned long duration, int key, void **out, size_t *size) {
	vpx_image_t img;
	*out = NULL;
	*size = 0;
	memset(&img, 0, sizeof img);
	if (!vpx_img_wrap(&img, VPX_IMG_FMT_I420, e->cfg.g_w, e->cfg.g_h, 1, y)) return VPX_CODEC_INVALID_PARAM;
	img.planes[VPX_PLANE_Y] = y;
	img.planes[VPX_PLANE_U] = u;
	img.planes[VPX_PLANE_V] = v;
	img.stride[VPX_PLANE_Y] = ystride;
	img.stride[VPX_PLANE_U] = img.stride[VPX_PLANE_V] = cstride;
	vpx_codec_err_t err = vpx_codec_encode(&e->codec, &img, pts, duration, key ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME);
	if (err != VPX_CODEC_OK) return err;
	vpx_codec_iter_t iter = NULL;
	const vpx_codec_cx_pkt_t *p;
	while ((p = vpx_codec_get_cx_data(&e->codec, &iter))) {
		if (p->kind != VPX_CODEC_CX_FRAME_PKT) continue;
		if (*out) return VPX_CODEC_ERROR; // never: without lag and partitions, one picture is one packet
		*out = p->data.frame.buf;
		*size = p->data.frame.sz;
	}
	return VPX_CODEC_OK;
}

static vpx_codec_err_t weir_vp8_rate(weir_vp8 *e, unsigned kbps) {
	e->cfg.rc_target_bitrate = kbps;
	return vpx_codec_enc_config_set(&e->codec, &e->cfg);
}

static vpx_codec_err_t weir_vp8_free(weir_vp8 *e) {
	vpx_codec_err_t err = vpx_codec_destroy(&e->codec);
	free(e);
	return err;
}
*/
import "C"

import (
	"fmt"
	"image"
	"unsafe"

	"weir/publisher"
)

const (
	vpxClock     = 90000 // units of time in a second
	vpxSpeed     = -8    // cpu-used 8; below 0 it is fixed, above 0 it would follow how loaded the machine is
	vpxThreshold = 1
	vpxMostRate  = 1_000_000_000 // bits a second
)

// MissingVP8 is why there is no VP8 encoder, nil where it is built in.
func MissingVP8() error { return nil }

// vp8Encoder is one libvpx encoder. Only the goroutine that made it uses it.
type vp8Encoder struct {
	size    image.Point
	rate    int64       // pictures a second
	encoder *C.weir_vp8 // nil: closed
	n       int64       // of the next picture
	key     int64       // of the last key frame asked for
}

// VP8 makes a VP8 encoder by libvpx: real time, one thread, no picture waits for a later one. To hold its bit rate it
// leaves pictures out. Only the calling goroutine may use the encoder.
func VP8(p publisher.VideoParams) (publisher.VideoEncoder, error) {
	if err := checkSize(p); err != nil {
		return nil, fmt.Errorf("libvpx: %w", err)
	}
	if p.Rate < 1 || p.Rate > vpxClock {
		return nil, fmt.Errorf("libvpx: rate %d: must be from 1 to %d", p.Rate, vpxClock)
	}
	kbps, err := vpxRate(p.BitRate)
	if err != nil {
		return nil, fmt.Errorf("libvpx: %w", err)
	}
	// Half of the 600 ms that the rate control keeps in hand, in percent of a picture's share.
	intra := max(300, 300*p.Rate/10)
	var code C.vpx_codec_err_t
	e := C.weir_vp8_new(C.unsigned(p.Width), C.unsigned(p.Height), kbps, vpxSpeed, vpxThreshold, C.unsigned(intra), &code)
	if e == nil {
		return nil, fmt.Errorf("libvpx: make encoder: %w", vpxError(code))
	}
	return &vp8Encoder{size: image.Pt(p.Width, p.Height), rate: int64(p.Rate), encoder: e}, nil
}

// vpxRate is a bit rate in the library's unit.
func vpxRate(bps int) (C.unsigned, error) {
	if bps < 1 || bps > vpxMostRate {
		return 0, fmt.Errorf("bit rate %d: must be from 1 to %d", bps, vpxMostRate)
	}
	return C.unsigned(max(1, bps/1000)), nil
}

// vpxError is the library's word for what went wrong.
func vpxError(code C.vpx_codec_err_t) error {
	return fmt.Errorf("%s (%d)", C.GoString(C.vpx_codec_err_to_string(code)), int(code))
}

// Encode implements publisher.VideoEncoder.
func (e *vp8Encoder) Encode(img *image.YCbCr, keyFrame bool) ([]byte, error) {
	if e.encoder == nil {
		return nil, errClosed
	}
	if err := checkPicture(img, e.size); err != nil {
		return nil, err
	}
	if keyFrame || e.n-e.key >= keyFrameSeconds*e.rate {
		keyFrame, e.key = true, e.n
	}
	begin, end := e.n*vpxClock/e.rate, (e.n+1)*vpxClock/e.rate
	e.n++
	y, c := img.YOffset(img.Rect.Min.X, img.Rect.Min.Y), img.COffset(img.Rect.Min.X, img.Rect.Min.Y)
	force := C.int(0)
	if keyFrame {
		force = 1
	}
	var out unsafe.Pointer
	var size C.size_t
	code := C.weir_vp8_encode(e.encoder, (*C.uchar)(&img.Y[y]), (*C.uchar)(&img.Cb[c]), (*C.uchar)(&img.Cr[c]),
		C.int(img.YStride), C.int(img.CStride), C.vpx_codec_pts_t(begin), C.ulong(end-begin), force, &out, &size)
	if code != C.VPX_CODEC_OK {
		return nil, fmt.Errorf("libvpx: encode: %w", vpxError(code))
	}
	if out == nil {
		return nil, nil
	}
	return C.GoBytes(out, C.int(size)), nil
}

// SetBitRate implements publisher.VideoEncoder.
func (e *vp8Encoder) SetBitRate(bps int) error {
	if e.encoder == nil {
		return errClosed
	}
	kbps, err := vpxRate(bps)
	if err != nil {
		return err
	}
	if code := C.weir_vp8_rate(e.encoder, kbps); code != C.VPX_CODEC_OK {
		return fmt.Errorf("libvpx: set bit rate %d: %w", bps, vpxError(code))
	}
	return nil
}

// Close implements publisher.VideoEncoder; more calls do nothing.
func (e *vp8Encoder) Close() error {
	if e.encoder == nil {
		return nil
	}
	code := C.weir_vp8_free(e.encoder)
	e.encoder = nil
	if code != C.VPX_CODEC_OK {
		return fmt.Errorf("close libvpx: %w", vpxError(code))
	}
	return nil
}
