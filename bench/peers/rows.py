"""The rows of docs/SPEED.md: what is timed, against whom, how it is checked, and what is to be reached."""

from dataclasses import dataclass, field
from pathlib import Path

MODELS = ("clap-htsat-unfused", "larger_clap_general")
SENTENCE = "a dog barks in the rain"


@dataclass
class Side:
    """Work on request: a KIND of bench_model.c (ours) or of peer.py."""

    kind: str
    path: object
    threads: int = 1
    windows: int = 1  # done at once; times are per window
    ours: bool = False


@dataclass
class Process:
    """A command, started anew for each turn. {program}, {python} and {here} are filled in."""

    command: list


@dataclass
class Row:
    name: str
    ours: object
    peer_name: str
    peers: list  # forms of one peer: the fastest counts
    source: Path
    judge: object  # what ours is checked against
    agree: str = "cosine"
    limit: float = 0.999999
    goal: tuple = field(default=None)  # (figure, limit): at least for ratios, at most for times and memory
    unit: str = "ms"
    most_pairs: int = 30

    def pairs(self, wanted):
        return min(wanted, self.most_pairs)


def mine(kind, path, **more):
    return Side(kind, path, ours=True, **more)


def audio_rows(work, name):
    model, onnx, mel = work / name, work / f"{name}-onnx", work / "mel.f32"
    judge = Side("audio-ort", onnx / "audio.onnx")
    f32, bf16, int8 = (mine("audio", work / f"{name}{suffix}") for suffix in ("", "-bf16", "-int8"))
    pair = mine("pair", model, threads=2, windows=2)
    int8_forms = [Side("audio-ort", onnx / f"audio-{form}.onnx") for form in ("int8", "int8-channel")]
    int8_two = [Side("audio-ort", side.path, threads=2) for side in int8_forms]

    def row(what, ours, peer_name, peers, **more):
        return Row(f"{name}: {what}", ours, peer_name, peers, mel, judge, **more)

    return [
        row("audio f32", f32, "ONNX Runtime f32", [judge], goal=("ratio_median", 1.5)),
        row("audio f32", f32, "torch f32", [Side("audio-torch", model)]),
        row("audio f32", f32, "torch.compile f32", [Side("audio-torch-compile", model)]),
        row("audio bf16", bf16, "torch.compile bf16", [Side("audio-torch-compile-bf16", model)],
            limit=0.9995, goal=("ratio_median", 1.4), most_pairs=15),
        row("audio bf16", bf16, "torch bf16", [Side("audio-torch-bf16", model)], limit=0.9995, most_pairs=10),
        row("audio int8", int8, "ONNX Runtime int8", int8_forms, limit=0.995, goal=("ratio_median", 1.7)),
        row("audio f32, two workers", pair, "earshot, one worker", [f32], goal=("ratio_median", 1.85)),
        row("audio f32, two workers", pair, "ONNX Runtime f32, 2 threads",
            [Side("audio-ort", onnx / "audio.onnx", threads=2)]),
        row("audio f32, two workers", pair, "ONNX Runtime f32, 2 sessions",
            [Side("audio-ort-twice", onnx / "audio.onnx", threads=2, windows=2)]),
        row("audio f32, two workers", pair, "torch f32, 2 threads", [Side("audio-torch", model, threads=2)]),
        row("audio int8, two workers", mine("pair", work / f"{name}-int8", threads=2, windows=2),
            "ONNX Runtime int8, 2 threads", int8_two, limit=0.995),
    ]


def text_rows(work, name):
    onnx, ids = work / f"{name}-onnx", work / "ids.i32"
    judge = Side("text-ort", onnx / "text.onnx")
    f32, int8 = mine("text", work / name), mine("text", work / f"{name}-int8")
    int8_forms = [Side("text-ort", onnx / f"text-{form}.onnx") for form in ("int8", "int8-channel")]
    what = f"{name}: text of 8 tokens"
    # Random weights with centred projections magnify what rounding does (docs/MODEL.md); trained ones are held to 0.995.
    return [
        Row(f"{what} f32", f32, "ONNX Runtime f32", [judge], ids, judge, goal=("ratio_median", 1.5)),
        Row(f"{what} f32", f32, "torch f32", [Side("text-torch", work / name)], ids, judge),
        Row(f"{what} f32", f32, "ONNX Runtime f32, 2 threads", [Side("text-ort", onnx / "text.onnx", threads=2)], ids,
            judge),
        Row(f"{what} int8", int8, "ONNX Runtime int8", int8_forms, ids, judge, limit=0.97, goal=("ratio_median", 2)),
    ]


def sound_rows(work, name):
    samples, model = work / "samples.f32", work / name
    judge = Side("mel-features", model)
    front = mine("mel", model)
    found = [
        Row("mel of 10 s", front, "ClapFeatureExtractor", [judge], samples, judge, "dB", 1e-4, ("ours_median", 2.5)),
        Row("mel of 10 s", front, "torch.stft", [Side("mel-stft", model)], samples, judge, "dB", 1e-4,
            ("ours_median", 2.5)),
    ]
    for form in ("wav", "flac", "mp3", "ogg"):
        soxr = Side("decode-soxr", 48000)
        for peer_name, peer in (("librosa", Side("decode-librosa", 48000)), ("soundfile + soxr", soxr)):
            found.append(Row(f"decode 60 s of {form} to 48 kHz mono", mine("decode", 48000), peer_name, [peer],
                             work / f"minute.{form}", soxr, "correlation", 0.999, ("ratio_median", 1), most_pairs=15))
    return found


def process_rows(work, name):
    model = work / name
    ours = Process(["{program}", "-m", model, "embed", "--text", SENTENCE])
    ort = Process(["{python}", "{here}/text_ort.py", work / f"{name}-onnx" / "text_any.onnx",
                   work / f"{name}.tokenizer.json", SENTENCE])
    transformers = Process(["{python}", "{here}/text_transformers.py", model, SENTENCE])
    megabytes = (model / "model.safetensors").stat().st_size / 2**20 if model.exists() else 0
    nothing = Path("-")
    what = f"{name}: earshot embed --text, a process"
    return [
        Row(what, ours, "onnxruntime + tokenizers", [ort], nothing, ort, goal=("ours_median", 120), most_pairs=15),
        Row(what, ours, "transformers", [transformers], nothing, ort, goal=("ours_median", 120), most_pairs=7),
        Row(f"{what}, peak memory", ours, "onnxruntime + tokenizers", [ort], nothing, ort, unit="MB",
            goal=("ours_median", round(megabytes + 60)), most_pairs=3),
        Row(f"{what}, peak memory", ours, "transformers", [transformers], nothing, ort, unit="MB",
            goal=("ours_median", round(megabytes + 60)), most_pairs=3),
    ]


def rows(work):
    small, large = MODELS
    return (audio_rows(work, small) + audio_rows(work, large) + text_rows(work, small) + sound_rows(work, small)
            + process_rows(work, small))
