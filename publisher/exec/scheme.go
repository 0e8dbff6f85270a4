package exec

// A scheme is one of URLs that can be opened.
type scheme struct {
	port      string   // the usual one; "": there is none
	protocols string   // of FFmpeg, what an input may lead to
	formats   string   // of FFmpeg, what it may be
	format    string   // which it is; "": one of formats
	queries   []string // the keys that its query may have, which FFmpeg takes for options; nil: any, the server's
	options   []string // of FFmpeg, besides
	tls       bool     // FFmpeg can be told which certificates to trust
	live      bool     // it has no end of its own: where it ends something has failed
	listens   bool     // it may have no host: then this machine's port is meant
}

// What there is besides.
const (
	containers = "mpegts,flv,live_flv,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
	web        = containers + ",hls,webvtt,aac,mp3,ogg,wav,flac,h264,hevc,mpjpeg"
)

// schemes are all that can be opened, by name.
func schemes() map[string]scheme {
	rtsp := scheme{port: "554", protocols: "tcp,udp,rtp", formats: "rtsp", format: "rtsp", live: true}
	rtsps := rtsp
	rtsps.port, rtsps.protocols = "322", "tcp,tls,udp,rtp,srtp"
	stay := []string{"-max_redirects", "0"} // FFmpeg 5.1 or later
	datagrams := []string{"buffer_size", "fifo_size", "overrun_nonfatal", "pkt_size", "reuse", "timeout"}
	return map[string]scheme{
		"rtsp":  rtsp,
		"rtsps": rtsps,
		"rtmp":  {port: "1935", protocols: "rtmp,tcp", formats: "flv,live_flv", live: true},
		"rtmps": {port: "443", protocols: "rtmps,tls,tcp", formats: "flv,live_flv", tls: true, live: true},
		"srt": {
			protocols: "srt", formats: containers, live: true, listens: true,
			queries: []string{"connect_timeout", "latency", "maxbw", "mode", "passphrase", "pbkeylen", "peerlatency", "rcvlatency", "streamid", "transtype"},
		},
		"udp":   {protocols: "udp", formats: containers, queries: datagrams, live: true, listens: true},
		"rtp":   {protocols: "rtp,udp", formats: "rtp", queries: datagrams, live: true, listens: true},
		"tcp":   {protocols: "tcp", formats: containers, queries: []string{"listen_timeout", "timeout"}, live: true},
		"http":  {port: "80", protocols: "http,https,tls,tcp,crypto", formats: web, options: stay},
		"https": {port: "443", protocols: "http,https,tls,tcp,crypto", formats: web, options: stay, tls: true},
	}
}
