#!/usr/bin/env python3
"""earshot train as its users meet it, on a tiny model and four kinds of sounds that the test makes.

    test_train_cli.py EARSHOT      prints TAP. Needs Python's standard library only.
"""
import csv
import json
import math
import os
import random
import signal
import struct
import subprocess
import time
import wave

from cli import EARSHOT, ROOT, Cli, main, tone

KINDS = ("a low hum", "a high whistle", "static noise", "clicking")
AUDIO = {"model_type": "pann", "num_mel_bins": 16, "conv_channels": [6, 8], "conv_kernel": [3, 3], "pool": [2, 2],
         "hidden_size": 16}
TEXT = {"model_type": "clap_text_model", "vocab_size": 2048, "hidden_size": 16, "num_hidden_layers": 1,
        "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 82}
CONFIG = {"model_type": "clap", "projection_dim": 12, "projection_hidden_act": "linear", "audio_config": AUDIO,
          "text_config": TEXT}
FEATURES = {"feature_size": 16, "sampling_rate": 48000, "fft_window_size": 1024, "hop_length": 480, "max_length_s": 0.5,
            "frequency_min": 50, "frequency_max": 14000, "truncation": "rand_trunc", "padding": "repeatpad"}
QUICK = ("--batch", "8", "--rate", "0.01")


def sample(kind, i, draw, hertz):
    if kind == 0 or kind == 1:
        return 0.3 * math.sin(2 * math.pi * hertz * i / 48000)
    if kind == 2:
        return 0.2 * draw.uniform(-1, 1)
    return 0.8 if i % 4800 < 40 else 0.0


def write_sound(path, kind, seed):
    draw = random.Random(seed)
    hertz = draw.uniform(100, 200) if kind == 0 else draw.uniform(4000, 6000)
    with wave.open(os.fspath(path), "wb") as out:
        out.setparams((1, 2, 48000, 0, "NONE", ""))
        out.writeframes(b"".join(struct.pack("<h", int(20000 * sample(kind, i, draw, hertz))) for i in range(24000)))


class Train(Cli):
    def setUp(self):
        super().setUp()
        config = self.dir / "config"
        config.mkdir()
        (config / "config.json").write_text(json.dumps(CONFIG))
        (config / "preprocessor_config.json").write_text(json.dumps(FEATURES))
        for name in ("vocab.json", "merges.txt"):
            (config / name).write_bytes((ROOT / "tests/ref/vocab" / name).read_bytes())
        for name, seeds in (("data", range(6)), ("valid", range(20, 23))):
            rows = [(f"{kind}-{seed}.wav", KINDS[kind]) for kind in range(4) for seed in seeds]
            for path, label in rows:
                write_sound(self.dir / path, KINDS.index(label), int(path[2:-4]))
            self.manifest(name, ("path", "label"), rows)

    def manifest(self, name, header, rows):
        with open(self.dir / f"{name}.csv", "w", newline="") as out:
            csv.writer(out).writerows([header, *rows])

    def train(self, out, *args, **more):
        return self.rows("--json", "train", "--config", "config", "--data", "data.csv", "--valid", "valid.csv", "-o", out,
                         *QUICK, *args, **more)

    def weights(self, out):
        return (self.dir / out / "model.safetensors").read_bytes()


class Learning(Train):
    def test_kinds_of_sound_are_told_apart_and_the_model_is_one_like_any_other(self):
        (self.dir / "plain.json").write_text('{"strength": 0, "ema": 0.9}')
        epochs = self.train("out", "--epochs", "120", "--rate", "0.003", "--recipe", "plain.json")
        self.assertEqual([row["epoch"] for row in epochs], list(range(1, 121)))
        self.assertGreaterEqual(epochs[-1]["valid"]["map@10"], 0.9, epochs[-1])
        self.assertGreater(epochs[-1]["clips_per_second"], 0)
        row, = self.rows("--json", "-m", "out", "classify", "2-21.wav", "--labels", ",".join(KINDS))
        self.assertEqual(row["labels"][0]["label"], KINDS[2])
        log = list(csv.DictReader(open(self.dir / "out/train.csv")))
        self.assertEqual(len(log), 120)
        self.assertAlmostEqual(float(log[-1]["map@10"]), epochs[-1]["valid"]["map@10"], places=3)
        self.assertIn("<polyline", (self.dir / "out/train.svg").read_text())

    def test_pairs_of_captions_teach_as_well(self):
        self.manifest("data", ("path", "caption"), [(f"{kind}-{seed}.wav", text) for kind in range(4) for seed in range(6)
                                                    for text in (KINDS[kind], f"the sound of {KINDS[kind]}")])
        epochs = self.train("out", "--epochs", "40", "--loss", "pairs")
        self.assertLess(epochs[-1]["loss"], epochs[0]["loss"])

    def test_tags_become_captions(self):
        self.manifest("data", ("path", "caption", "tags"), [(f"{kind}-{seed}.wav", "" if kind else KINDS[0], f"{KINDS[kind]};; loud ")
                                                            for kind in range(4) for seed in range(6)])
        epochs = self.train("out", "--epochs", "3")
        self.assertEqual(len(epochs), 3)

    def test_words_of_names_become_captions_on_request(self):
        rows = []
        for kind in range(4):
            for seed in range(6):
                name = f"{KINDS[kind].title().replace(' ', '')}_{seed:02}.wav"
                os.rename(self.dir / f"{kind}-{seed}.wav", self.dir / name)
                rows.append((name,))
        self.manifest("data", ("path",), rows)
        self.fails("train", "--config", "config", "--data", "data.csv", "-o", "none", *QUICK, status=1,
                   says="no column caption, label or tags")
        epochs = self.train("out", "--file-words", "--epochs", "40")
        self.assertLess(epochs[-1]["loss"], epochs[0]["loss"])

    def test_projections_alone_are_tuned_and_the_towers_stay(self):
        self.train("base", "--epochs", "3")
        tuned = self.rows("--json", "train", "--from", "base", "--data", "data.csv", "--valid", "valid.csv", "-o", "tuned",
                          "--only", "projections", "--epochs", "30", *QUICK)
        self.assertGreaterEqual(tuned[-1]["valid"]["map@10"], tuned[0]["valid"]["map@10"])
        before, after = self.weights("base"), self.weights("tuned")
        header = json.loads(before[8:8 + struct.unpack("<Q", before[:8])[0]])
        for name, row in header.items():
            if name == "__metadata__":
                continue
            low, high = (8 + struct.unpack("<Q", before[:8])[0] + at for at in row["data_offsets"])
            moves = "_projection." in name or "logit_scale_a" in name
            if not moves and "logit_scale" not in name:
                self.assertEqual(before[low:high], after[low:high], name)
            elif "_projection.linear" in name and name.endswith("weight"):
                self.assertNotEqual(before[low:high], after[low:high], name)

    def test_every_part_of_a_model_of_the_reference_is_tuned(self):
        self.manifest("pairs", ("path", "caption"), [(f"{kind}-{seed}.wav", f"{KINDS[kind]}, take {seed}")
                                                     for kind in range(4) for seed in range(2)])
        for model in ("unfused", "fused"):
            for only in ("projections", "text", "audio", "all"):
                out = f"{model}-{only}"
                self.run_it("train", "--from", str(ROOT / "tests/ref/models" / model), "--data", "pairs.csv", "--valid",
                            "valid.csv", "-o", out, "--only", only, "--epochs", "1", "--batch", "8")
                row, = self.rows("--json", "-m", out, "classify", "2-21.wav", "--labels", ",".join(KINDS))
                self.assertEqual(len(row["labels"]), 4)

    def test_labels_that_mean_the_same_to_the_model_are_told(self):
        same = ("train", "--from", str(ROOT / "tests/ref/models/fused"), "--data", "data.csv", "-o", "out", "--only",
                "projections", "--epochs", "1", "--batch", "8")
        self.assertIn(b"are not told apart", self.run_it(*same).stderr)
        (self.dir / "apart.json").write_text('{"near": 1}')
        self.assertNotIn(b"told apart", self.run_it(*same, "--recipe", "apart.json").stderr)

    def test_labels_and_paths_are_any_text(self):
        odd = ["Türen, knarrend", 'a "loud" one', "雨の音", "x" * 300]
        rows = []
        for kind in range(4):
            for seed in range(3):
                name = f"söund, {kind} \"{seed}\".wav"
                os.rename(self.dir / f"{kind}-{seed}.wav", self.dir / name)
                rows.append((name if seed else f"./config/../{name}", odd[kind]))
        self.manifest("data", ("path", "label"), rows + rows[:2])
        self.manifest("valid", ("path", "label"), rows)
        epochs = self.train("out", "--epochs", "2")
        self.assertGreaterEqual(epochs[-1]["valid"]["map@10"], 0)

    def test_a_teacher_of_sounds_is_found_by_their_paths(self):
        rows = list(csv.DictReader(open(self.dir / "data.csv")))
        names = sorted({row["path"] for row in rows})
        draw = random.Random(5)
        data = b"".join(struct.pack("<12f", *(draw.gauss(0, 1) for _ in range(12))) for _ in names)
        header = json.dumps({"vectors": {"dtype": "F32", "shape": [len(names), 12], "data_offsets": [0, len(data)]}}).encode()
        (self.dir / "config/teacher.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
        (self.dir / "config/teacher.txt").write_text("".join(f"../{name}\n" for name in names))
        epochs = self.train("out", "--epochs", "10", "--teacher", "config/teacher.safetensors")
        self.assertLess(epochs[-1]["loss"], epochs[0]["loss"])
        (self.dir / "config/teacher.txt").write_text("".join(f"{name}\n" for name in names))
        self.fails("train", "--config", "config", "--data", "data.csv", "-o", "none", *QUICK, "--teacher",
                   "config/teacher.safetensors", status=1, says="teacher.txt: names none of the sounds")

    def test_a_teacher_of_texts_is_learnt(self):
        draw = random.Random(3)
        texts = [f"sound number {i} of {draw.choice(KINDS)}" for i in range(100)]
        vectors = [[float(text.split()[-1] == kind.split()[-1]) for kind in KINDS] + [1.0] * 8 for text in texts]
        data = b"".join(struct.pack("<12f", *row) for row in vectors)
        header = json.dumps({"vectors": {"dtype": "F32", "shape": [100, 12], "data_offsets": [0, len(data)]}}).encode()
        (self.dir / "teacher.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + data)
        (self.dir / "teacher.txt").write_text("\n".join(texts) + "\n")
        epochs = self.rows("--json", "train", "--config", "config", "--teacher", "teacher.safetensors", "--only", "text",
                           "-o", "out", "--epochs", "20", *QUICK)
        self.assertGreater(epochs[-1]["valid"]["cosine"], 0.95, epochs[-1])
        (self.dir / "teacher.txt").write_text("\n".join(["", *texts[1:]]) + "\n")
        self.fails("train", "--config", "config", "--teacher", "teacher.safetensors", "--only", "text", "-o", "none", status=1,
                   says="teacher.txt:1: is empty")
        self.fails("train", "--config", "config", "--teacher", "teacher.safetensors", "--only", "text", "--data", "data.csv",
                   "-o", "none", status=2, says="leave --data, --valid and --captions out")
        self.assertLess(epochs[-1]["loss"], epochs[0]["loss"])


class WorkedExample(Cli):
    """docs/TRAINING.md's, with its own commands, in small."""
    NAMES = ("door creak", "kettle", "my old fan", "clock")  # of the four kinds

    def accuracies(self, said):
        return [float(rest.split()[0]) for rest in said.split("accuracy ")[1:]]

    def test_the_commands_of_the_document_do_what_it_says(self):
        for kind, name in enumerate(self.NAMES):
            (self.dir / "sounds" / name).mkdir(parents=True)
            for i in range(9):
                write_sound(self.dir / "sounds" / name / f"{i:02}.wav", kind, seed=10 * kind + i)
        text = (ROOT / "docs/TRAINING.md").read_text(encoding="utf-8")
        commands = text.split("## A worked example")[1].split("```sh\n")[1].split("```")[0]
        (self.dir / "bin").mkdir()
        os.symlink(EARSHOT, self.dir / "bin/earshot")
        env = self.env | {"PATH": f"{self.dir}/bin:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-euc", commands], capture_output=True, text=True, cwd=self.dir, env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        before, after = self.accuracies(done.stdout)
        self.assertGreater(after, before)
        self.assertIn("door creak/", done.stdout)


class SameBytes(Train):
    def test_a_seed_gives_the_same_model_whatever_the_threads(self):
        self.train("one", "--epochs", "3", "--threads", "1")
        self.train("two", "--epochs", "3", "--threads", "2")
        self.train("other", "--epochs", "3", "--seed", "5")
        self.assertEqual(self.weights("one"), self.weights("two"))
        self.assertNotEqual(self.weights("one"), self.weights("other"))

    def test_so_it_does_where_two_sounds_share_a_joined_caption(self):
        self.manifest("data", ("path", "caption"), [(f"{kind}-{seed}.wav", f"{KINDS[kind]}, take {seed}")
                                                    for kind in range(4) for seed in range(6)])
        (self.dir / "joined.json").write_text('{"join": 1, "strength": 1, "ramp": 0}')
        (self.dir / "single.json").write_text('{"join": 0, "strength": 1, "ramp": 0}')
        for only in ("all", "audio"):  # texts through their tower, and read once
            how = ("--epochs", "3", "--loss", "pairs", "--only", only)
            self.train(f"{only}-one", *how, "--recipe", "joined.json", "--threads", "1")
            self.train(f"{only}-two", *how, "--recipe", "joined.json", "--threads", "2")
            self.train(f"{only}-single", *how, "--recipe", "single.json")
            self.assertEqual(self.weights(f"{only}-one"), self.weights(f"{only}-two"))
            self.assertNotEqual(self.weights(f"{only}-one"), self.weights(f"{only}-single"))

    def test_a_run_that_was_killed_or_out_of_time_ends_as_if_it_had_not_been(self):
        self.train("whole", "--epochs", "30")
        seed = int(os.environ.get("EARSHOT_SEED", time.time_ns() % 2**32))
        print(f"# EARSHOT_SEED={seed}")
        draw = random.Random(seed)
        command = [EARSHOT, "train", "--config", "config", "--data", "data.csv", "--valid", "valid.csv", "-o", "cut",
                   *QUICK, "--epochs", "30"]
        for _ in range(4):
            resume = ["--resume"] if (self.dir / "cut/.train/checkpoint.safetensors").exists() else []
            with subprocess.Popen(command + resume, cwd=self.dir, env=self.env, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as run:
                time.sleep(draw.uniform(0.05, 0.6))
                run.send_signal(signal.SIGKILL)
        resume = ["--resume"] if (self.dir / "cut/.train/checkpoint.safetensors").exists() else []
        self.run_it(*command[1:], *resume, "--limit-seconds", "0.2")
        self.run_it(*command[1:], "--resume")
        self.assertEqual(self.weights("whole"), self.weights("cut"))

    def test_joined_captions_resume_to_the_same_bytes(self):
        self.manifest("data", ("path", "caption"), [(f"{kind}-{seed}.wav", f"{KINDS[kind]}, take {seed}")
                                                    for kind in range(4) for seed in range(6)])
        (self.dir / "joined.json").write_text('{"join": 1, "strength": 1, "ramp": 0}')
        how = ("--epochs", "12", "--loss", "pairs", "--recipe", "joined.json")
        self.train("whole", *how)
        said = self.run_it("train", "--config", "config", "--data", "data.csv", "--valid", "valid.csv", "-o", "cut", *QUICK, *how,
                           "--limit-seconds", "0.05").stderr
        self.assertIn(b"go on with --resume", said)
        self.train("cut", *how, "--resume")
        self.assertEqual(self.weights("whole"), self.weights("cut"))

    def resume_fails(self, *args):
        before = self.weights("out")
        self.fails("train", "--valid", "valid.csv", "-o", "out", *QUICK, "--epochs", "2", "--resume", *args, status=1,
                   says="another model, other options, sounds or texts")
        self.assertEqual(self.weights("out"), before)

    def test_what_differs_does_not_resume(self):
        data = (self.dir / "data.csv").read_bytes()
        config = ("--config", "config", "--data", "data.csv")
        self.train("out", "--epochs", "2")
        self.resume_fails(*config, "--seed", "9")
        self.manifest("more", ("path", "label"), [("0-1.wav", KINDS[0])])
        self.resume_fails(*config, "--data", "more.csv")
        (self.dir / "data.csv").write_bytes(data.replace(b"a low hum", b"a low hom"))
        self.resume_fails(*config)
        (self.dir / "data.csv").write_bytes(data)
        write_sound(self.dir / "0-0.wav", 0, 99)
        self.resume_fails(*config)
        write_sound(self.dir / "0-0.wav", 0, 0)
        self.train("base", "--epochs", "1")
        self.train("other", "--epochs", "1", "--seed", "1")
        base = ("--data", "data.csv", "--only", "projections", "--loss", "pairs")
        self.train_from("base", "tuned", *base[2:])
        os.rename(self.dir / "out", self.dir / "old")
        os.rename(self.dir / "tuned", self.dir / "out")
        self.resume_fails("--from", "other", *base)

    def train_from(self, base, out, *args):
        return self.rows("--json", "train", "--from", base, "--data", "data.csv", "--valid", "valid.csv", "-o", out, *QUICK,
                         "--epochs", "2", *args)

    def test_an_earlier_training_stays_whole_until_the_next_has_something(self):
        self.train("out", "--epochs", "2")
        before = {path.name: path.read_bytes() for path in (self.dir / "out").glob("*.json")}
        weights = self.weights("out")
        config = json.loads((self.dir / "config/config.json").read_text())
        config["audio_config"]["conv_channels"] = [4, 8]
        (self.dir / "config/config.json").write_text(json.dumps(config))
        (self.dir / "valid.csv").write_text("path,label\n0-20.wav,a low hum\n")
        (self.dir / "0-20.wav").write_text("no sound at all")
        self.fails("train", "--config", "config", "--data", "data.csv", "--valid", "valid.csv", "-o", "out", *QUICK, status=1,
                   says="0-20.wav")
        self.assertEqual({path.name: path.read_bytes() for path in (self.dir / "out").glob("*.json")}, before)
        self.assertEqual(self.weights("out"), weights)


class Refusals(Train):
    def refused(self, *args, says, status=1):
        self.fails("train", "--config", "config", "-o", "out", *args, status=status, says=says)

    def test_every_fault_of_a_manifest_is_one_line(self):
        faults = {("path", "label"): [(("gone.wav", "x"), "bad.csv:2: gone.wav: no such sound"),
                                      (("0-0.wav", " "), "bad.csv:2: 0-0.wav: has an empty caption, no label and no tags"),
                                      (("", "x"), "bad.csv:2: no path")],
                  ("path", "size"): [(("0-0.wav", "1"), "bad.csv: has no column caption, label or tags")],
                  ("name", "label"): [(("0-0.wav", "1"), "bad.csv: has no column path")]}
        for header, rows in faults.items():
            for row, says in rows:
                self.manifest("bad", header, [row])
                self.refused("--data", "bad.csv", says=says)
        self.manifest("bad", ("path", "label"), [("0-0.wav", "x"), ("0-0.wav", "y")])
        self.refused("--data", "bad.csv", says="bad.csv:3: 0-0.wav: has another label")
        self.manifest("bad", ("path", "label"), [])
        self.refused("--data", "bad.csv", says="bad.csv: has no rows")
        self.assertFalse((self.dir / "out").exists())

    def test_too_little_to_learn_from_is_said(self):
        self.manifest("few", ("path", "label"), [("0-0.wav", "x"), ("0-1.wav", "y")])
        self.refused("--data", "few.csv", says="fewer than a batch of 32", status=2)
        self.manifest("one", ("path", "label"), [(f"0-{i}.wav", "x") for i in range(4)])
        self.refused("--data", "one.csv", "--batch", "2", says="a single class", status=2)
        self.refused(says="nothing to learn from", status=2)

    def test_a_sound_that_cannot_be_heard_is_named(self):
        (self.dir / "0-0.wav").write_text("no sound at all")
        self.refused("--data", "data.csv", *QUICK, says="0-0.wav")

    def test_what_cannot_be_measured_is_told(self):
        self.manifest("spelt", ("path", "label"), [("0-20.wav", KINDS[0].upper())])
        said = self.run_it("train", "--config", "config", "--data", "data.csv", "--valid", "spelt.csv", "-o", "out", *QUICK,
                           "--epochs", "1").stderr
        self.assertIn(b"no figures of the validation", said)
        said = self.run_it("train", "--config", "config", "--data", "data.csv", "--valid", "data.csv", "-o", "out", *QUICK,
                           "--epochs", "1").stderr
        self.assertIn(b"24 of its 24 sounds are learnt from as well", said)

    def test_what_is_held_out_is_of_many_labels_and_learnt_from_nowhere(self):
        for seed in range(6, 18):
            for kind in range(4):
                write_sound(self.dir / f"{kind}-{seed}.wav", kind, seed)
        rows = [(f"{kind}-{seed}.wav", KINDS[kind]) for seed in range(18) for kind in range(4)]
        self.manifest("all", ("path", "label"), rows + [("0-20.wav", "alone")])
        epochs = self.rows("--json", "train", "--config", "config", "--data", "all.csv", "-o", "out", *QUICK, "--epochs", "1")
        self.assertIn("map@10", epochs[0]["valid"])
        self.manifest("again", ("path", "label"), rows[:1])
        once = self.rows("--json", "train", "--config", "config", "--data", "all.csv", "--data", "all.csv", "-o", "twice", *QUICK,
                         "--epochs", "1")
        self.assertIn("map@10", once[0]["valid"])

    def test_numbers_out_of_range_are_refused(self):
        for args, says in ((("--data", "data.csv:inf"), "a share is from"), (("--data", "data.csv:0"), "a share is from"),
                           (("--data", "data.csv", "--seed", "-1"), "--seed -1"),
                           (("--data", "data.csv", "--seed", "9" * 30), "--seed 999"),
                           (("--data", "data.csv", "--batch", "65536"), "--batch")):
            self.refused(*args, says=says, status=2)

    def test_a_window_longer_than_a_sound_is_filled_with_silence(self):
        (self.dir / "config/preprocessor_config.json").write_text(json.dumps({**FEATURES, "fft_window_size": 16384}))
        tone(self.dir / "0-0.wav", seconds=0.02)
        self.train("out", "--epochs", "1")

    def test_a_disk_that_is_full_is_named(self):
        full = f"ulimit -f 16; exec '{EARSHOT}' train --config config --data data.csv -o out --batch 8"
        done = subprocess.run(["bash", "-c", full], capture_output=True, text=True, cwd=self.dir, env=self.env)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^earshot: out/\S+: File too large\n$")

    def test_wrong_options_are_refused(self):
        self.fails("train", "--data", "data.csv", status=2, says="-o DIR")
        self.refused("--data", "data.csv", "--from", "x", says="exclude each other", status=2)
        (self.dir / "recipe.json").write_text('{"mixx": 1}')
        self.refused("--data", "data.csv", "--recipe", "recipe.json", says="mixx: there is no such knob", status=2)
        (self.dir / "recipe.json").write_text('{"mix": 7}')
        self.refused("--data", "data.csv", "--recipe", "recipe.json", says="mix: 7 is out of range", status=2)
        (self.dir / "recipe.json").write_text('{"scale": 100}')
        self.refused("--data", "data.csv", "--recipe", "recipe.json", says="scale: 100 is above scale_most", status=2)
        (self.dir / "full").mkdir()
        (self.dir / "full/notes.txt").write_text("mine")
        self.fails("train", "--config", "config", "--data", "data.csv", "-o", "full", status=1, says="not from training")

    def test_a_loss_that_is_no_number_stops_with_the_step(self):
        self.train("base", "--epochs", "1")
        model = bytearray(self.weights("base"))
        length = struct.unpack("<Q", model[:8])[0]
        at = json.loads(model[8:8 + length])["audio_model.audio_encoder.fc1.bias"]["data_offsets"][0]
        model[8 + length + at:8 + length + at + 4] = struct.pack("<f", math.nan)
        (self.dir / "base/model.safetensors").write_bytes(model)
        self.fails("train", "--from", "base", "--data", "data.csv", "--valid", "valid.csv", "-o", "out", *QUICK, "--loss",
                   "pairs", status=1, says="step 1: the loss is not a number")


if __name__ == "__main__":
    main()
