"""Voices that espeak-ng speaks: men, women, children, whispers, and crowds of them."""

import subprocess

import numpy as np
import soxr

from .signal import LENGTH, RATE, recorded, rng, uniform

LANGUAGES = "en-us en-gb de fr es it pt ru pl nl sv tr hi cmn ja fi el cs hu id".split()
SENTENCES = """the rain in the street has stopped|could you open the window please|we have been waiting for the train
where did you put the keys|it was a long and quiet evening|nobody answered the telephone|come over here and look
i would like a cup of tea|the dog is barking at the door again|tell me what you heard last night
they walked along the river for hours|turn the music down a little|that is not what i meant at all
we should leave before it gets dark|he laughed and closed the book""".replace("\n", "|").split("|")

# kind: espeak-ng variants, range of pitch, captions
KINDS = {
    "man": ("m1 m2 m3 m4 m5 m7 m8", (25, 50), ("a man speaking", "a male voice talking", "speech", "a man talks")),
    "woman": ("f1 f2 f3 f4 f5", (45, 75), ("a woman speaking", "a female voice talking", "speech", "a woman talks")),
    "child": ("f2 f4 f1", (85, 99), ("a child speaking", "a kid talking", "a child's voice", "a young girl talking")),
    "whisper": ("whisper whisperf", (30, 70), ("whispering", "a person whispers")),
    "croak": ("croak", (10, 40), ("a croaky old voice", "a person with a hoarse voice")),
}
CROWDS = {
    "crowd": (
        ("man", "woman"),
        ("a crowd of people talking", "people chatting in the background", "crowd chatter", "a busy restaurant"),
    ),
    "children": (("child",), ("children talking and playing", "kids shouting in a playground", "children voices")),
}


def speak(kind):
    """A few sentences, as long as they take, at most LENGTH samples."""
    variants, pitch, _ = KINDS[kind]
    voice = f"{rng().choice(LANGUAGES)}+{rng().choice(variants.split())}"
    text = ". ".join(rng().choice(SENTENCES, 3))
    wav = subprocess.run(
        [
            "espeak-ng",
            "-v",
            voice,
            "-p",
            str(int(uniform(*pitch))),
            "-s",
            str(int(uniform(130, 210))),
            "--stdout",
            text,
        ],
        capture_output=True,
        check=True,
    ).stdout
    samples = np.frombuffer(wav[44 : len(wav) // 2 * 2], dtype="<i2").astype(np.float32) / 32768
    return soxr.resample(samples, 22050, RATE, quality="MQ")[:LENGTH]


def fitted(samples):
    return np.pad(samples, (0, LENGTH - len(samples)))


def one(kind):
    return recorded(fitted(speak(kind)))


def many(kind):
    members, total = CROWDS[kind][0], np.zeros(LENGTH)
    for _ in range(rng().integers(3, 14)):
        total += np.roll(fitted(speak(rng().choice(members))), int(uniform(0, LENGTH))) * uniform(0.2, 1)
    return recorded(total)


VOICES = {f"voice_{kind}": (row[2], lambda kind=kind: one(kind)) for kind, row in KINDS.items()}
VOICES |= {f"voices_{kind}": (row[1], lambda kind=kind: many(kind)) for kind, row in CROWDS.items()}
