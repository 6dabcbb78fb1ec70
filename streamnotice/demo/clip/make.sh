#!/bin/sh
# Makes the demo's clip: 24 s of a zoom into the Mandelbrot set with a beeping sine, HLS with fMP4,
# two renditions of about 250 and 700 kbit/s, 2 s segments. Needs ffmpeg with libx264; takes a minute.
# One encoder thread and bit-exact flags: the same ffmpeg build gives the same bytes.
# 24 s holds a whole number of AAC frames at 48 kHz (1125), so that the clip can be repeated
# without a gap by shifting each fragment's decode time.
set -eu
cd "$(dirname "$0")"
rm -rf low high
mkdir low high
ffmpeg -hide_banner -loglevel error -y \
    -f lavfi -i "mandelbrot=size=640x360:rate=25:end_scale=0.0005:end_pts=600" \
    -f lavfi -i "sine=frequency=220:beep_factor=4:sample_rate=48000" -t 24 \
    -map 0:v -map 1:a -map 0:v -map 1:a \
    -c:v libx264 -preset veryslow -threads 1 -pix_fmt yuv420p -r 25 \
    -g 50 -keyint_min 50 -sc_threshold 0 -bf 2 -c:a aac -ac 1 -b:a 32k \
    -filter:v:0 scale=320:180 -b:v:0 210k -maxrate:v:0 230k -bufsize:v:0 230k \
    -b:v:1 640k -maxrate:v:1 700k -bufsize:v:1 700k \
    -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
    -f hls -hls_time 2 -hls_playlist_type vod -hls_flags independent_segments \
    -hls_segment_type fmp4 -hls_segment_options movflags=+skip_sidx \
    -var_stream_map "v:0,a:0,name:low v:1,a:1,name:high" \
    -hls_fmp4_init_filename init.mp4 -hls_segment_filename %v/%d.m4s \
    -master_pl_name master.m3u8 %v/index.m3u8
# The playlists that the demo serves are written by clip.py, from the segments that are here.
mv low/init_0.mp4 low/init.mp4
mv high/init_1.mp4 high/init.mp4
rm -f master.m3u8 low/index.m3u8 high/index.m3u8
