#!/usr/bin/env python3
"""Times training steps beside PyTorch: forward, backward and AdamW, in turn, pair by pair.

    train.py BENCH_TRAIN classes|pairs MODEL_DIR BATCH [--threads 2] [--pairs 10]

classes: the audio side against 512 fixed vectors (a PANN, tools/pann_twin.py); pairs: all weights, sounds against texts of
16 tokens (transformers' ClapModel). Both sides start from MODEL_DIR's weights in f32, on the same cores, with inputs drawn
once; that they compute the same gradients is shown by the tests (tests/ref/train). PyTorch is tried with its own and, where there
are convolutions, with channels-last memory; and AdamW both fused and not. Each pair gives a ratio, theirs / ours; printed is
a row of docs/SPEED.md: medians, least times, the median ratio with its range. Needs torch, transformers, safetensors.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
CLASSES, TOKENS = 512, 16


def serve(kind, directory, batch, threads, form):
    """The peer: a step for each line on stdin."""
    import torch
    sys.path.insert(0, str(HERE.parents[1] / "tools"))
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    config = json.loads((directory / "config.json").read_text())
    if config["audio_config"].get("model_type") == "pann":
        import pann_twin
        model, _ = pann_twin.load(directory)
        audio, text = model.embed_audio, model.embed_text
        bins, frames = config["audio_config"]["num_mel_bins"], 1001
    else:
        from transformers import ClapModel
        model = ClapModel.from_pretrained(directory, dtype=torch.float32)
        unit = torch.nn.functional.normalize

        def audio(mels):
            return unit(model.audio_projection(model.audio_model(input_features=mels).pooler_output), dim=-1)

        def text(ids):
            return unit(model.text_projection(model.text_model(input_ids=ids).pooler_output), dim=-1)
        bins, frames = config["audio_config"]["num_mel_bins"], 1001
    model.train()
    for module in model.modules():  # neither side drops anything
        if isinstance(module, torch.nn.Dropout) or hasattr(module, "drop_prob"):
            module.p = module.drop_prob = 0.0
    mels = -40 + 30 * (2 * torch.rand(batch, 1, frames, bins) - 1)
    if "last" in form:
        model, mels = model.to(memory_format=torch.channels_last), mels.to(memory_format=torch.channels_last)
    others = torch.nn.functional.normalize(torch.rand(CLASSES, config["projection_dim"]) - 0.5, dim=-1)
    ids = torch.randint(5, 200, (batch, TOKENS))
    target = torch.arange(batch) % CLASSES
    learnt = [p for name, p in model.named_parameters() if kind == "pairs" or not name.startswith("text_")]
    optimiser = torch.optim.AdamW(learnt, lr=1e-4, betas=(0.9, 0.98), weight_decay=0.05, fused="fused" in form)
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.monotonic()
        optimiser.zero_grad()
        logits = audio(mels) @ (others if kind == "classes" else text(ids)).T * model.logit_scale_a.exp()
        loss = torch.nn.functional.cross_entropy(logits, target)
        if kind == "pairs":
            loss = loss + torch.nn.functional.cross_entropy(logits.T, target)
        loss.backward()
        optimiser.step()
        print(f"{loss.item():.6f} {1000 * (time.monotonic() - start):.3f}", flush=True)


class Side:
    def __init__(self, command, threads):
        cores = set(sorted(os.sched_getaffinity(0))[:threads])
        told = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        self.process = subprocess.Popen(list(map(str, command)), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env=os.environ | told, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        line = self.process.stdout.readline().strip()
        if line != "ready":
            raise SystemExit(f"{command}: {line}")

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        loss, milliseconds = map(float, self.process.stdout.readline().split())
        if not loss < 1e6:
            raise SystemExit("the loss is not a number")
        return milliseconds

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=pathlib.Path)
    parser.add_argument("kind", choices=("classes", "pairs"))
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("batch", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--serve", metavar="FORM", help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.serve:
        return serve(o.kind, o.model, o.batch, o.threads, o.serve)
    forms = ["plain", "plain fused"] + (["last", "last fused"] if o.kind == "classes" else [])

    def peer(form):
        return Side([sys.executable, __file__, o.bench, o.kind, o.model, o.batch, "--threads", o.threads, "--serve", form],
                    o.threads)

    def tried(form):
        side = peer(form)
        times = [side.step() for _ in range(4)]
        side.close()
        return min(times)
    best = min(forms, key=tried)
    ours, theirs = Side([o.bench, o.kind, o.model, o.batch, o.threads], o.threads), peer(best)
    turns = [(ours.step(), theirs.step()) for _ in range(o.pairs + 2)][2:]
    ratios = [b / a for a, b in turns]
    mine, other = zip(*turns)
    print(f"| {o.kind}, batch {o.batch}, {o.threads} threads | {statistics.median(mine):.4g} ({min(mine):.4g}) ms | PyTorch f32 ({best}) "
          f"| {statistics.median(other):.4g} ({min(other):.4g}) ms | **{statistics.median(ratios):.3f}** "
          f"({min(ratios):.3f} … {max(ratios):.3f}) | {o.pairs} |")


if __name__ == "__main__":
    main()
