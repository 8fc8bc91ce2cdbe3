#!/usr/bin/env python3
"""Records what the reference computes, stage by stage, so that the towers in C can be held against it.

The reference is ClapModel of Hugging Face transformers. Its weights are drawn from a seed: every
parameter and every running statistic, far from the near-trivial start of training, so that a
forgotten bias or a wrong eps shows.

    make_refs.py                                   the tiny models of tests/ref/models, and its manifest
    make_refs.py --full clap-htsat-unfused --seed 1 -o DIR
                                                   one model in the size of a published checkpoint
    make_refs.py --record DIR                      reference.safetensors for a model that is there

A model directory then holds config.json, preprocessor_config.json, model.safetensors and
reference.safetensors. The latter holds, for input number i, `audio.mel#i` [frames][bins] or (fused
checkpoints, a longer clip) `audio.mels#i` [4][frames][bins] or `text.ids#i` [count], and what came
out of each stage under the name that the C code taps it by, with the same `#i`.

Needs torch, transformers, safetensors, numpy.
"""

import argparse
import hashlib
import json
import pathlib
import platform
import shutil

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import ClapAudioConfig, ClapConfig, ClapFeatureExtractor, ClapModel, ClapTextConfig

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ROOT / "tests" / "ref" / "models"
VOCAB = ROOT / "tests" / "ref" / "vocab"

# One row a tiny model: what it is there to catch stands beside it. `seconds` and `hop` give the mel
# frames of a window. Sides are those of the stages' grids, in patches.
TINY = {
    # sides 16 8 4 2, the last one a single window; the depths of the published checkpoints
    "unfused": dict(
        audio=dict(spec_size=64, num_mel_bins=32, window_size=2, depths=[2, 2, 6, 2],
                   num_attention_heads=[1, 2, 3, 6], patch_embeds_hidden_size=6),
        text=dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
                  max_position_embeddings=82),
        features=dict(max_length_s=1), projection_dim=24, vocab="shared"),
    # feature fusion: a short clip, a longer one; one column of zeros beside the local mels
    "fused": dict(
        audio=dict(spec_size=64, num_mel_bins=16, window_size=4, depths=[2, 2, 2],
                   num_attention_heads=[2, 3, 6], patch_embeds_hidden_size=12, enable_fusion=True,
                   fusion_type="aff_2d"),
        text=dict(hidden_size=24, num_hidden_layers=1, num_attention_heads=3, intermediate_size=40,
                  max_position_embeddings=90, pad_token_id=1),
        features=dict(max_length_s=2, truncation="fusion"), projection_dim=20, vocab="shared"),
    # sides 12 6 with a window of 5: zero padding, and the mask on the padded grid
    "padded": dict(
        audio=dict(spec_size=48, num_mel_bins=16, window_size=5, depths=[3, 2],
                   num_attention_heads=[2, 4], patch_embeds_hidden_size=10, layer_norm_eps=1e-3),
        text=dict(vocab_size=90, hidden_size=15, num_hidden_layers=3, num_attention_heads=5,
                  intermediate_size=31, max_position_embeddings=85, pad_token_id=5,
                  type_vocab_size=2, layer_norm_eps=1e-5),
        features=dict(max_length_s=1), projection_dim=17),
    # one stage, one window: nothing is shifted, nothing merged
    "window": dict(
        audio=dict(spec_size=32, num_mel_bins=8, window_size=8, depths=[2],
                   num_attention_heads=[3], patch_embeds_hidden_size=21, mlp_ratio=2.5),
        text=dict(vocab_size=120, hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
                  intermediate_size=50, max_position_embeddings=80, pad_token_id=0),
        features=dict(max_length_s=1), projection_dim=8, projection_hidden_act="gelu"),
    # fewer bins than rows: bicubic along frequency (the reference wants all frames then)
    "fewbins": dict(
        audio=dict(spec_size=32, num_mel_bins=12, window_size=8, depths=[2, 1], patch_size=2,
                   patch_stride=[2, 2], num_attention_heads=[2, 2], patch_embeds_hidden_size=8),
        text=dict(vocab_size=64, hidden_size=12, num_hidden_layers=2, num_attention_heads=3,
                  intermediate_size=48, max_position_embeddings=100),
        features=dict(max_length_s=1, sampling_rate=44100, hop_length=700), projection_dim=32,
        projection_hidden_act="linear"),
    # patches overlap, no norm after them, fused: padding in both convolutions
    "overlap": dict(
        audio=dict(spec_size=64, num_mel_bins=32, window_size=7, depths=[2, 2], patch_size=8,
                   patch_stride=[4, 4], num_attention_heads=[2, 4], patch_embeds_hidden_size=18,
                   enable_fusion=True, fusion_type="aff_2d", aff_block_r=5,
                   enable_patch_layer_norm=False, mlp_ratio=3.0),
        text=dict(vocab_size=70, hidden_size=16, num_hidden_layers=1, num_attention_heads=4,
                  intermediate_size=16, max_position_embeddings=80),
        features=dict(max_length_s=1, truncation="fusion"), projection_dim=16),
    # q, k, v without bias while the grid is padded: what a padded token becomes; full length
    "nobias": dict(
        audio=dict(spec_size=40, num_mel_bins=40, window_size=4, depths=[2, 2],
                   num_attention_heads=[1, 5], patch_embeds_hidden_size=20, qkv_bias=False),
        text=dict(vocab_size=64, hidden_size=20, num_hidden_layers=2, num_attention_heads=2,
                  intermediate_size=37, max_position_embeddings=128),
        features=dict(max_length_s=1, hop_length=1300), projection_dim=10),
    # a grid that is not square: 8 × 16, then 4 × 8 with a window of 4 (not shifted)
    "oblong": dict(
        audio=dict(spec_size=32, num_mel_bins=16, window_size=4, depths=[2, 2], patch_size=[4, 2],
                   patch_stride=[4, 2], num_attention_heads=[2, 4], patch_embeds_hidden_size=16),
        text=dict(vocab_size=64, hidden_size=16, num_hidden_layers=4, num_attention_heads=4,
                  intermediate_size=64, max_position_embeddings=80),
        features=dict(max_length_s=1, hop_length=800), projection_dim=16),
}

FULL = {
    "clap-htsat-unfused": dict(audio={}, features=dict(truncation="rand_trunc")),
    "clap-htsat-fused": dict(audio=dict(enable_fusion=True, fusion_type="aff_2d"),
                             features=dict(truncation="fusion")),
    "larger_clap_general": dict(
        audio=dict(patch_embeds_hidden_size=128, hidden_size=1024, depths=[2, 2, 12, 2]),
        features=dict(truncation="rand_trunc")),
}


# ---- models ---------------------------------------------------------------------------------------


def build_config(row):
    audio = dict(num_mel_bins=64, **{}) | row["audio"]
    if "depths" in audio and "hidden_size" not in audio:
        audio["hidden_size"] = audio["patch_embeds_hidden_size"] << (len(audio["depths"]) - 1)
    text = dict(row.get("text", {}))
    if row.get("vocab") == "shared":
        text["vocab_size"] = len(json.loads((VOCAB / "vocab.json").read_text(encoding="utf-8")))
    return ClapConfig(text_config=ClapTextConfig(**text).to_dict(),
                      audio_config=ClapAudioConfig(**audio).to_dict(),
                      projection_dim=row.get("projection_dim", 512),
                      projection_hidden_act=row.get("projection_hidden_act", "relu"))


def build_features(row, config):
    return ClapFeatureExtractor(feature_size=config.audio_config.num_mel_bins, frequency_min=50,
                                **(dict(truncation="rand_trunc") | row["features"]))


@torch.no_grad()
def randomise(model, seed):
    """Weights that keep every stage's scale near one; biases, norms and statistics far from 0 and 1."""
    random = torch.Generator().manual_seed(seed)

    def normal(t, mean, std):
        t.copy_(torch.randn(t.shape, generator=random) * std + mean)

    for name, t in model.named_parameters():
        if "logit_scale" in name:
            normal(t, 3.0, 0.3)
        elif "bias_table" in name or "embeddings" in name and t.dim() == 2:
            normal(t, 0.0, 1.0)
        elif t.dim() >= 2:
            normal(t, 0.0, t[0].numel() ** -0.5)
        elif name.endswith("weight"):  # of a norm
            normal(t, 1.0, 0.2)
        else:
            normal(t, 0.0, 0.2)
    for name, t in model.named_buffers():
        if name.endswith("audio_encoder.batch_norm.running_mean"):
            normal(t, -40.0, 8.0)
        elif name.endswith("audio_encoder.batch_norm.running_var"):
            t.copy_(torch.rand(t.shape, generator=random) * 400 + 100)
        elif name.endswith("running_mean"):
            normal(t, 0.0, 0.5)
        elif name.endswith("running_var"):
            t.copy_(torch.rand(t.shape, generator=random) * 1.5 + 0.25)


@torch.no_grad()
def centre(projection, pooled):
    """Random towers answer nearly the same to everything, and a cosine between such answers shows
    little. Take what is common out and make what differs one large, before the projection."""
    mean = pooled.mean(0)
    projection.linear1.weight /= (pooled - mean).square().mean().sqrt()
    projection.linear1.bias -= projection.linear1.weight @ mean


@torch.no_grad()
def discriminate(model, features, seed):
    """Centres both projections on inputs that are not recorded."""
    random = np.random.default_rng(seed + 1000)
    fused = model.config.audio_config.enable_fusion
    mels = [torch.tensor(mel) for name, mel in mel_inputs(model.config, features, random, 6)
            if name == "audio.mel"]
    sounds = [model.audio_model(input_features=mel.expand(1, 4 if fused else 1, *mel.shape),
                                is_longer=torch.tensor([[False]])).pooler_output for mel in mels]
    texts = [model.text_model(input_ids=torch.tensor(ids)[None]).pooler_output
             for _, ids in text_inputs(model.config, random, (3, 5, 8, 12, 17, 25))]
    centre(model.audio_projection, torch.cat(sounds))
    centre(model.text_projection, torch.cat(texts))


def save(model, features, directory, strip=()):
    directory.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(directory)
    features.save_pretrained(directory)
    (directory / "generation_config.json").unlink(missing_ok=True)
    path = directory / "model.safetensors"
    if strip:
        kept = {k: v for k, v in load_file(path).items() if not k.endswith(strip)}
        save_file(kept, path, metadata={"format": "pt"})
    path.chmod(0o644)


# ---- inputs ---------------------------------------------------------------------------------------


def sound(random, count, rate):
    """A sound with tones, a sweep, noise and silence in it, so that its mel has something to say."""
    t = np.arange(count) / rate
    out = np.zeros(count)
    for _ in range(4):
        out += random.uniform(0.02, 0.3) * np.sin(2 * np.pi * random.uniform(60, 9000) * t)
    sweep = random.uniform(100, 2000) * t + random.uniform(-500, 4000) * t**2 / max(t[-1], 1e-3)
    out += 0.2 * np.sin(2 * np.pi * sweep)
    out += random.uniform(1e-4, 0.2) * random.standard_normal(count)
    out[random.integers(count):][: count // 5] *= 1e-4
    return out


def mel_of(features, samples):
    filters = features.mel_filters if features.truncation == "fusion" else features.mel_filters_slaney
    return features._np_extract_fbank_features(samples, filters).astype(np.float32)


def mel_inputs(config, features, random, count):
    samples = int(features.nb_max_samples)
    inputs = [("audio.mel", mel_of(features, sound(random, samples, features.sampling_rate)))
              for _ in range(count)]
    if config.audio_config.enable_fusion:
        longer = sound(random, samples * 3, features.sampling_rate)
        frames = inputs[0][1].shape[0]
        whole = mel_of(features, longer)
        shrunk = torch.nn.functional.interpolate(torch.tensor(whole)[None, None],
                                                 size=[frames, whole.shape[1]], mode="bilinear",
                                                 align_corners=False)[0, 0].numpy()
        chunks = [whole[at:at + frames] for at in (7, len(whole) // 2 - 11, len(whole) - frames - 3)]
        inputs.append(("audio.mels", np.stack([shrunk, *chunks])))
    return inputs


def text_inputs(config, random, lengths):
    """Ids as a tokenizer gives them, <s> and </s> at the ends; the third text says "<pad>" in the middle."""
    inputs = []
    pad = config.text_config.pad_token_id
    for i, length in enumerate(lengths):
        ids = random.integers(6, config.text_config.vocab_size, length)
        ids[0], ids[-1] = 0 if pad != 0 else 3, 2
        if i == 2:
            ids[length // 2] = pad
        inputs.append(("text.ids", ids.astype(np.int64)))
    return inputs


# ---- recording ------------------------------------------------------------------------------------


class Recorder:
    """Forward hooks that keep each stage's output as [rows][cols] under the name the C code taps it by."""

    def __init__(self, model):
        self.seen = {}
        encoder = model.audio_model.audio_encoder
        self.watch(encoder.batch_norm, "audio.norm", lambda out: out.transpose(1, 3)[0])
        encoder.patch_embed.register_forward_pre_hook(
            lambda module, args: self.keep("audio.image", args[0][0]))
        if encoder.enable_fusion:
            self.watch(encoder.patch_embed.fusion_model, "audio.fused",
                       lambda out: out[0].flatten(1).T)
        self.watch(encoder.patch_embed, "audio.patch")
        for i, stage in enumerate(encoder.layers):
            for j, block in enumerate(stage.blocks):
                self.watch(block, f"audio.stage{i}.block{j}")
            if stage.downsample is not None:
                self.watch(stage.downsample, f"audio.stage{i}.merge")
        self.watch(encoder.norm, "audio.final")
        self.watch(model.audio_projection, "audio.projection")
        self.watch(model.text_model.embeddings, "text.embeddings")
        for i, layer in enumerate(model.text_model.encoder.layer):
            self.watch(layer, f"text.layer{i}")
        self.watch(model.text_model.pooler, "text.pooled")
        self.watch(model.text_projection, "text.projection")

    def watch(self, module, name, shape=lambda out: out[0]):
        def hook(_, args, out):
            self.keep(name, shape(out[0] if isinstance(out, tuple) else out))
        module.register_forward_hook(hook)

    def keep(self, name, tensor):
        self.seen[name] = tensor.detach().clone().contiguous()


@torch.no_grad()
def run_audio(model, recorder, name, mel):
    """One clip. A fused checkpoint hears four copies when the clip is no longer than a window."""
    mels = torch.tensor(mel)
    longer = name == "audio.mels"
    fused = model.config.audio_config.enable_fusion
    four = mels if longer else mels.expand(4 if fused else 1, *mels.shape)
    out = model.audio_model(input_features=four[None], is_longer=torch.tensor([[longer]]))
    recorder.keep("audio.pooled", out.pooler_output[0])
    projected = model.audio_projection(out.pooler_output)
    recorder.keep("audio.embedding", torch.nn.functional.normalize(projected, dim=-1)[0])
    if not longer:
        for stage in ("audio.norm", "audio.image"):
            recorder.seen[stage] = recorder.seen[stage][0].clone()


@torch.no_grad()
def run_text(model, recorder, ids):
    ids = torch.tensor(ids)[None]
    out = model.text_model(input_ids=ids, attention_mask=torch.ones_like(ids))
    projected = model.text_projection(out.pooler_output)
    recorder.keep("text.embedding", torch.nn.functional.normalize(projected, dim=-1)[0])


def record(model, inputs, path):
    recorder = Recorder(model)
    tensors = {}
    for i, (name, value) in enumerate(inputs):
        recorder.seen = {name: torch.tensor(np.ascontiguousarray(value))}
        if name == "text.ids":
            run_text(model, recorder, value)
        else:
            run_audio(model, recorder, name, value)
        for stage, tensor in recorder.seen.items():
            if not torch.isfinite(tensor.float()).all():
                raise SystemExit(f"{path}: {stage}#{i} is not finite")
            tensors[f"{stage}#{i}"] = tensor
    versions = dict(torch=torch.__version__, transformers=transformers.__version__)
    save_file(tensors, path, metadata=versions)
    path.chmod(0o644)
    return tensors


def spread(tensors, stage):
    """Mean cosine between different inputs' embeddings: near 1, a comparison would show nothing."""
    rows = [t for name, t in tensors.items() if name.startswith(stage + "#")]
    cosines = [float(a @ b) for i, a in enumerate(rows) for b in rows[:i]]
    return sum(cosines) / len(cosines) if cosines else float("nan")


# ---- commands -------------------------------------------------------------------------------------


def build(row, seed):
    config = build_config(row)
    torch.manual_seed(seed)
    model = ClapModel(config).eval()
    randomise(model, seed)
    return model, build_features(row, config)


def make(name, row, seed, directory, texts, mels, strip=(), plain=False):
    model, features = build(row, seed)
    if not plain:
        discriminate(model, features, seed)
    save(model, features, directory, strip)
    random = np.random.default_rng(seed)
    inputs = mel_inputs(model.config, features, random, mels) + text_inputs(model.config, random, texts)
    tensors = record(model, inputs, directory / "reference.safetensors")
    print(f"{name}: {sum(p.numel() for p in model.parameters()):,} parameters, mean cosine between "
          f"sounds {spread(tensors, 'audio.embedding'):.3f}, texts {spread(tensors, 'text.embedding'):.3f}")


def link_vocabulary(directory):
    for name in ("vocab.json", "merges.txt"):
        (directory / name).unlink(missing_ok=True)
        (directory / name).symlink_to(f"../../vocab/{name}")


def make_tiny(seed):
    shutil.rmtree(MODELS, ignore_errors=True)
    for i, (name, row) in enumerate(TINY.items()):
        # Files of other versions of the library lack the index buffers, or hold them: have both.
        strip = ("position_ids", "token_type_ids", "relative_position_index") if i % 2 else ()
        make(name, row, seed + i, MODELS / name, (2, 9, 14, 77), 2, strip)
        if row.get("vocab") == "shared":
            link_vocabulary(MODELS / name)
    files = sorted(p for p in MODELS.rglob("*") if p.is_file() and not p.is_symlink())
    manifest = dict(made_by="tools/make_refs.py", seed=seed, python=platform.python_version(),
                    torch=torch.__version__, transformers=transformers.__version__,
                    sha256={str(p.relative_to(MODELS)): hashlib.sha256(p.read_bytes()).hexdigest()
                            for p in files})
    (MODELS / "MANIFEST.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def record_existing(directory, seed):
    model = ClapModel.from_pretrained(directory, dtype=torch.float32).eval()
    features = ClapFeatureExtractor.from_pretrained(directory)
    random = np.random.default_rng(seed)
    inputs = mel_inputs(model.config, features, random, 2)
    inputs += text_inputs(model.config, random, (2, 8, 14, 77))
    record(model, inputs, directory / "reference.safetensors")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", choices=FULL, help="build this one in full size")
    parser.add_argument("--record", type=pathlib.Path, metavar="DIR", help="record an existing model")
    parser.add_argument("--plain", action="store_true",
                        help="with --full: leave the projections as drawn; vectors then differ little,\n"
                             "and roundings of bf16 and int8 are not magnified with the differences")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", "--output", type=pathlib.Path, metavar="DIR")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.record:
        record_existing(options.record, options.seed)
    elif options.full:
        if not options.output:
            parser.error("--full needs -o DIR")
        make(options.full, FULL[options.full], options.seed, options.output, (2, 8, 14, 77), 2,
             plain=options.plain)
    else:
        make_tiny(options.seed)


if __name__ == "__main__":
    main()
