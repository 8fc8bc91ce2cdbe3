#!/bin/sh
# Makes tests/ref/audio: one second of a 440 Hz tone at amplitude 0.5 in each compressed format that the unit test
# opens, and files that point to others. Needs the ffmpeg program.
set -eu
cd "$(dirname "$0")/../tests/ref/audio"

# tone FILE RATE OPTIONS…
tone() {
    file=$1 rate=$2
    shift 2
    ffmpeg -v error -y -f lavfi -i "aevalsrc=0.5*sin(2*PI*440*t):s=$rate:d=1" -bitexact \
        -metadata title=Tone -metadata artist=Nobody "$@" "$file"
}

tone tone.flac 11025 -c:a flac -sample_fmt s16
tone tone.mp3 44100 -c:a libmp3lame -b:a 64k
tone tone.ogg 44100 -c:a libvorbis -q:a 1
tone tone.opus 48000 -c:a libopus -b:a 32k
tone tone.m4a 44100 -c:a aac -b:a 48k
tone tone.webm 48000 -c:a libopus -b:a 32k
tone tone.aiff 8000 -c:a pcm_s8 -write_id3v2 1
tone tone.wv 8000 -c:a wavpack -sample_fmt s16p
tone tone.w64 8000 -c:a pcm_u8
tone tone.au 8000 -c:a pcm_mulaw
tone tone.wma 16000 -c:a wmav2 -b:a 32k
tone pages.opus 48000 -c:a libopus -b:a 32k -page_duration 100000

# A video with sound: eight black frames and the tone.
ffmpeg -v error -y -f lavfi -i color=black:s=32x32:r=8:d=1 -f lavfi -i "aevalsrc=0.5*sin(2*PI*440*t):s=44100:d=1" \
    -bitexact -c:v mpeg4 -c:a aac -b:a 48k tone.mp4

# A video without.
ffmpeg -v error -y -f lavfi -i color=black:s=32x32:r=8:d=1 -bitexact -c:v mpeg4 silent.mp4
