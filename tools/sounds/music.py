"""Music that fluidsynth plays with a General MIDI sound font: single notes, melodies, drums, bands."""

import os
import struct
import subprocess
import tempfile

import numpy as np

from .signal import LENGTH, RATE, log_uniform, rng, uniform

SOUND_FONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
TICKS = 960  # a second
LAST = 4.6  # seconds: when notes end

# The 128 programs of General MIDI, in their order.
PROGRAMS = """
acoustic_grand_piano | bright_piano | electric_grand_piano | honky-tonk_piano | electric_piano | electric_piano
| harpsichord | clavinet | celesta | glockenspiel | music_box | vibraphone | marimba | xylophone | tubular_bells
| dulcimer | drawbar_organ | percussive_organ | rock_organ | church_organ | reed_organ | accordion | harmonica |
tango_accordion | nylon_acoustic_guitar | steel_acoustic_guitar | jazz_electric_guitar | clean_electric_guitar |
muted_electric_guitar | overdriven_electric_guitar | distorted_electric_guitar | guitar_harmonics |
acoustic_bass | electric_bass_guitar | electric_bass_guitar | fretless_bass | slap_bass | slap_bass | synth_bass
| synth_bass | violin | viola | cello | double_bass | tremolo_strings | pizzicato_strings | harp | timpani_drums
| string_ensemble | slow_strings | synth_strings | synth_strings | choir_singing_aahs | choir_voices |
synth_voice | orchestra_hit | trumpet | trombone | tuba | muted_trumpet | french_horn | brass_section |
synth_brass | synth_brass | soprano_saxophone | alto_saxophone | tenor_saxophone | baritone_saxophone | oboe |
english_horn | bassoon | clarinet | piccolo | flute | recorder | pan_flute | bottle_blow | shakuhachi_flute |
whistle | ocarina | synth_lead | synth_lead | synth_lead | synth_lead | synth_lead | synth_lead | synth_lead |
synth_lead | synth_pad | synth_pad | synth_pad | synth_pad | synth_pad | synth_pad | synth_pad | synth_pad |
synth_effect | synth_effect | crystal_synth | atmospheric_synth | synth_effect | synth_effect | echo_synth |
sci-fi_synth | sitar | banjo | shamisen | koto | kalimba | bagpipes | fiddle | shanai | tinkle_bell | agogo_bell
| steel_drums | woodblock | taiko_drum | melodic_tom_drum | synth_drum | reverse_cymbal | guitar_fret_noise |
breath_noise | seashore_waves | bird_tweet | telephone_ring | helicopter | applause | gunshot
""".replace("\n", " ").split(" | ")
PROGRAMS = [name.strip().replace("_", " ") for name in PROGRAMS]
DRUMS = {
    35: "kick drum",
    36: "bass drum",
    37: "rim shot",
    38: "snare drum",
    39: "hand clap",
    40: "snare drum",
    41: "floor tom drum",
    42: "closed hi-hat",
    43: "tom drum",
    44: "hi-hat pedal",
    45: "tom drum",
    46: "open hi-hat",
    47: "tom drum",
    48: "tom drum",
    49: "crash cymbal",
    51: "ride cymbal",
    54: "tambourine",
    55: "splash cymbal",
    56: "cowbell",
    60: "bongo drum",
    61: "bongo drum",
    62: "conga drum",
    63: "conga drum",
    65: "timbale drum",
    67: "agogo bell",
    69: "cabasa shaker",
    70: "maracas shaker",
    71: "whistle",
    73: "guiro",
    75: "claves",
    76: "woodblock",
    78: "cuica",
    80: "triangle",
    81: "triangle",
}
DRUM_CHANNEL = 9
SCALE = [0, 2, 4, 5, 7, 9, 11]


class Score:
    def __init__(self):
        self.events = []  # (tick, bytes)

    def program(self, channel, number):
        self.events.append((0, bytes([0xC0 | channel, number])))

    def note(self, channel, key, start, length, loudness):
        key, end = int(np.clip(key, 0, 120)), min(start + length, LAST)
        self.events.append((int(start * TICKS), bytes([0x90 | channel, key, int(loudness)])))
        self.events.append((int(end * TICKS), bytes([0x80 | channel, key, 0])))

    def melody(self, channel, low, high, length, chords=False, loudness=100):
        start, key, degree = 0, rng().integers(12), rng().integers(0, 7)
        while start < 4.2:
            degree += rng().integers(-3, 4)
            pitch = np.clip(54 + key + 12 * (degree // 7) + SCALE[degree % 7], low, high)
            lasts = length * float(rng().choice([0.5, 1, 1, 2]))
            for step in (0, 4, 7) if chords else (0,):
                self.note(channel, pitch + step, start, lasts * uniform(0.6, 1), loudness * uniform(0.7, 1))
            start += lasts

    def file(self):
        track, last = b"\x00\xff\x51\x03" + (500000).to_bytes(3, "big"), 0
        for tick, event in sorted(self.events, key=lambda e: e[0]):
            track += variable(tick - last) + event
            last = tick
        track += b"\x00\xff\x2f\x00"
        return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + track


def variable(number):
    """A MIDI number of variable length."""
    out = [number & 127]
    while number := number >> 7:
        out.insert(0, number & 127 | 128)
    return bytes(out)


def played(score):
    with tempfile.TemporaryDirectory() as folder:
        midi, raw = os.path.join(folder, "m.mid"), os.path.join(folder, "m.raw")
        with open(midi, "wb") as out:
            out.write(score.file())
        subprocess.run(
            [
                "fluidsynth",
                "-ni",
                "-q",
                "-r",
                str(RATE),
                "-g",
                "0.6",
                "-T",
                "raw",
                "-O",
                "s16",
                "-F",
                raw,
                SOUND_FONT,
                midi,
            ],
            check=True,
            capture_output=True,
        )
        samples = np.fromfile(raw, dtype="<i2").reshape(-1, 2).mean(1)[:LENGTH] / 32768
    samples = np.pad(samples, (0, LENGTH - len(samples)))
    return (samples / (np.abs(samples).max() + 1e-9) * 10 ** (uniform(-20, -1) / 20)).astype(np.float32)


def instrument(number):
    score, low = Score(), 32 <= number < 40 or number in (43, 58, 70, 47)
    score.program(0, number)
    how = rng().integers(5)
    if how == 0:
        score.note(0, uniform(36, 60) if low else uniform(52, 80), 0, uniform(0.5, 4), 100)
    else:
        score.melody(0, 28 if low else 45, 60 if low else 88, log_uniform(0.12, 0.7), how == 2 and not low)
    return played(score)


def drum(key):
    score, every = Score(), log_uniform(0.12, 0.9)
    for start in np.arange(0, 4.5, every if rng().random() < 0.75 else 5):
        score.note(DRUM_CHANNEL, key, start, 0.1, uniform(60, 120))
    return played(score)


def beat(score):
    every, snare = log_uniform(0.2, 0.4), int(rng().choice([38, 40, 39]))
    for i, start in enumerate(np.arange(0, 4.5, every / 2)):
        if i % 4 == 0 or uniform() < 0.1:
            score.note(DRUM_CHANNEL, 36, start, 0.1, 110)
        if i % 4 == 2 or uniform() < 0.05:
            score.note(DRUM_CHANNEL, snare, start, 0.1, 105)
        if uniform() < 0.8:
            score.note(DRUM_CHANNEL, 42 if uniform() < 0.85 else 46, start, 0.1, 80)
    return every


def drums():
    score = Score()
    beat(score)
    return played(score)


def band():
    score = Score()
    every = beat(score)
    parts = ((1, [33, 34, 38, 32]), (2, [0, 4, 16, 25, 27, 29, 30, 48]), (3, [56, 65, 73, 40, 80, 81, 26]))
    for channel, programs in parts:
        score.program(channel, int(rng().choice(programs)))
        score.melody(
            channel,
            28 if channel == 1 else 48,
            52 if channel == 1 else 86,
            every * float(rng().choice([1, 2])),
            channel == 2,
            90,
        )
    return played(score)


def captions(name):
    article = "an" if name[0] in "aeiou" else "a"
    return (name, f"{article} {name} melody", f"{name} playing", f"music played on {article} {name}")


MUSIC = {
    "band": (("music", "a band playing music", "street music", "pop music playing", "upbeat music"), band),
    "drum loop": (("a drum loop", "drums playing", "a drum beat", "a drum kit"), drums),
}
for number, name in enumerate(PROGRAMS):  # programs of one name are one class
    sound = (name, "the sound of " + name) if number >= 120 else captions(name)
    MUSIC.setdefault(name, (sound, []))[1].append(lambda number=number: instrument(number))
for key, name in DRUMS.items():
    MUSIC.setdefault(name, ((name, f"{name} hits", f"a {name}", "percussion"), []))
    if isinstance(MUSIC[name][1], list):
        MUSIC[name][1].append(lambda key=key: drum(key))
