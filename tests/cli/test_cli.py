#!/usr/bin/env python3
"""The command line as its users meet it: every command, its formats, errors and exit statuses.

    test_cli.py EARSHOT      prints TAP. Needs Python's standard library and the ffmpeg program only.

The commands of the library are test_library_cli.py's.
"""
import base64
import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time

from cli import EARSHOT, FUSED, HERE, MODEL, ROOT, Cli, main, tone


class Help(Cli):
    def test_help_and_version_come_on_stdout(self):
        for args in (["--help"], ["help"], ["embed", "--help"], ["help", "embed"], ["--version"], ["model", "-h"]):
            done = self.run_it(*args)
            self.assertTrue(done.stdout)
            self.assertFalse(done.stderr)

    def test_no_command_is_wrong_usage(self):
        self.assertIn(b"usage:", self.run_it(status=2).stderr)

    def test_unknown_commands_and_options_are_wrong_usage(self):
        self.fails("listen", status=2, says='no command "listen"')
        self.fails("help", "listen", status=2, says='no command "listen"')
        self.fails("embed", "--loud", status=2, says="--loud")
        self.fails("--loud", "embed", status=2, says="--loud")
        self.fails("embed", "--format", "xml", "-m", MODEL, "--text", "a", status=2, says='"xml" is none of')
        self.fails("embed", "--hop", "0", "-m", MODEL, "--text", "a", status=2, says="--hop: 0")
        self.fails("embed", "--hop", "nan", "-m", MODEL, "--text", "a", status=2, says="--hop: nan")
        self.fails("embed", "--threads", "-1", "-m", MODEL, "--text", "a", status=2, says="--threads: -1")

    def test_common_options_may_stand_before_or_after_the_command(self):
        before = self.run_it("-m", MODEL, "embed", "--text", "a").stdout
        after = self.run_it("embed", "--text", "a", "-m", MODEL).stdout
        self.assertEqual(before, after)

    def test_two_dashes_may_stand_before_the_command(self):
        tone(self.dir / "-q.wav")
        wanted = self.rows("embed", "-m", MODEL, "--", "-q.wav")
        self.assertEqual(self.rows("--", "embed", "-m", MODEL, "--", "-q.wav"), wanted)
        self.assertEqual(self.rows("-m", MODEL, "--", "embed", "--", "-q.wav"), wanted)
        self.fails("--", "--version", status=2, says='no command "--version"')
        self.fails("--", "--", "embed", "-q", status=2, says='no command "--"')

    def test_without_a_model_it_is_the_one_that_came_along(self):
        row, = self.rows("embed", "--text", "a")
        self.assertEqual(row, *self.rows("embed", "-m", "builtin", "--text", "a"))
        self.assertEqual(len(row["embedding"]), 384)


class Embed(Cli):
    def test_rows_are_files_then_texts_in_order_and_unit_length(self):
        a, b = tone(self.dir / "a.wav"), tone(self.dir / "b.wav", seconds=2.5, hertz=880)
        (self.dir / "texts").write_text("rain\n\na dog barks\r\n")
        rows = self.rows("embed", "-m", MODEL, b, a, "--text", "wind", "--text-file", "texts")
        self.assertEqual([r.get("path") for r in rows[:2]], [str(b), str(a)])
        self.assertEqual([r.get("text") for r in rows[2:]], ["wind", "rain", "a dog barks"])
        self.assertEqual((rows[0]["start"], rows[0]["end"]), (0, 2.5))
        for row in rows:
            self.assertAlmostEqual(sum(x * x for x in row["embedding"]), 1, places=5)

    def test_the_same_bytes_every_time(self):
        sounds = [tone(self.dir / f"{i}.wav", seconds=0.2 + i / 2, hertz=200 * (i + 1)) for i in range(5)]
        alone = b"".join(self.run_it("embed", "-m", MODEL, s, "--windows").stdout for s in sounds)
        together = self.run_it("embed", "-m", MODEL, *sounds, "--windows", "--threads", "8").stdout
        single = self.run_it("embed", "-m", MODEL, *sounds, "--windows", "--threads", "1").stdout
        self.assertEqual(alone, together)
        self.assertEqual(single, together)

    def test_windows_cover_the_clip(self):
        sound = tone(self.dir / "a.wav", seconds=2.5)
        rows = self.rows("embed", "-m", MODEL, sound, "--windows", "--hop", "0.5")
        spans = [(r["start"], r["end"]) for r in rows]
        self.assertEqual(spans, [(0, 1), (0.5, 1.5), (1, 2), (1.5, 2.5)])

    def test_npy_and_f32_hold_the_numbers_of_jsonl(self):
        sound = tone(self.dir / "a.wav", seconds=2.5)
        args = ("embed", "-m", MODEL, sound, "--text", "rain")
        wanted = [r["embedding"] for r in self.rows(*args)]
        self.run_it(*args, "--format", "npy", "-o", "x.npy")
        data = (self.dir / "x.npy").read_bytes()
        self.assertEqual(data[:8], b"\x93NUMPY\x01\x00")
        length = struct.unpack("<H", data[8:10])[0]
        self.assertEqual((10 + length) % 64, 0)
        header = eval(data[10:10 + length])  # a dict literal of our own writing
        self.assertEqual(header, {"descr": "<f4", "fortran_order": False, "shape": (2, len(wanted[0]))})
        bare = self.run_it(*args, "--format", "f32").stdout
        self.assertEqual(data[10 + length:], bare)
        self.assertEqual(list(struct.unpack(f"<{len(bare) // 4}f", bare)),
                         [struct.unpack("<f", struct.pack("<f", x))[0] for row in wanted for x in row])

    def test_a_pipe_that_closes_early_is_no_fault(self):
        sound = tone(self.dir / "a.wav")
        done = subprocess.run(f'"{EARSHOT}" embed -m "{MODEL}" "{sound}" | head -c 300 | wc -c', shell=True,
                              capture_output=True, env=self.env, timeout=60)
        self.assertEqual(done.stdout.strip(), b"300")
        self.assertFalse(done.stderr)

    def test_some_done_some_failed_is_three_and_each_is_named(self):
        good = tone(self.dir / "good.wav")
        (self.dir / "bad.wav").write_text("this is no sound\n" * 100)
        (self.dir / "empty.wav").touch()
        done = self.run_it("embed", "-q", "-m", MODEL, "bad.wav", good, "none.wav", "empty.wav", ".", status=3)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        lines = done.stderr.decode().splitlines()
        self.assertEqual(len(lines), 4)
        for line, name in zip(lines, ["bad.wav", "none.wav", "empty.wav", "."]):
            self.assertTrue(line.startswith(f"earshot: {name}: "), line)

    def test_nothing_done_is_one(self):
        self.fails("embed", "-q", "-m", MODEL, "none.wav", status=1, says="none.wav")

    def test_nothing_named_is_wrong_usage(self):
        self.fails("embed", "-m", MODEL, status=2, says="nothing to embed")

    def test_names_of_any_bytes_are_kept(self):
        name = os.fsencode(self.dir) + b"/\xff\n\x1b[2J.wav"
        tone(self.dir / "a.wav").rename(os.fsdecode(name))
        row = self.rows("embed", "-m", MODEL, os.fsdecode(name))[0]
        self.assertEqual(base64.b64decode(row["path_base64"]), name)
        self.assertIn("\ufffd", row["path"])
        os.unlink(name)
        done = self.run_it("embed", "-m", MODEL, os.fsdecode(name), status=1)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        self.assertNotIn(b"\x1b", done.stderr)

    def test_names_that_look_like_options_or_addresses_are_files(self):
        tone(self.dir / "-q.wav")
        os.makedirs(self.dir / "http:/x")
        tone(self.dir / "http:/x/a.wav")
        self.assertEqual(len(self.rows("embed", "-m", MODEL, "--", "-q.wav", "http://x/a.wav")), 2)

    def test_long_texts_are_cut_with_a_warning(self):
        done = self.run_it("embed", "-m", MODEL, "--text", "rain " * 500)
        self.assertIn(b"77 tokens", done.stderr)
        done = self.run_it("embed", "-m", MODEL, "--text", "a\n\x1b[2J" + "\u00e9" * 500)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        self.assertNotIn(b"\x1b", done.stderr)
        self.assertIn("\u00e9...", done.stderr.decode())

    def test_texts_that_are_not_utf8_are_named_and_the_rest_goes_on(self):
        (self.dir / "texts").write_bytes(b"rain\n\xff\xfe\nwind\n")
        done = self.run_it("embed", "-m", MODEL, "--text-file", "texts", status=3)
        self.assertEqual(len(done.stdout.splitlines()), 2)
        self.assertIn(b"not UTF-8", done.stderr)

    def test_texts_come_from_stdin(self):
        self.assertEqual(len(self.rows("embed", "-m", MODEL, "--text-file", "-", stdin=b"rain\nwind")), 2)

    def test_a_missing_text_file_is_one_line(self):
        self.fails("embed", "-m", MODEL, "--text-file", "none", status=1, says="none: ")

    def test_output_that_cannot_be_written_is_named(self):
        self.fails("embed", "-m", MODEL, "--text", "a", "-o", "none/x", status=1, says="none/x")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([EARSHOT, "embed", "-m", MODEL, "--text", "a"], stdout=full, stderr=subprocess.PIPE,
                                  env=self.env, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"the disk is full", done.stderr)

    def test_an_input_is_never_the_output(self):
        sound = tone(self.dir / "a.wav")
        before = sound.read_bytes()
        self.fails("embed", "-m", MODEL, "a.wav", "-o", "./a.wav", status=2, says="a.wav")
        self.assertEqual(sound.read_bytes(), before)

    def test_an_output_that_is_a_link_stays_one(self):
        (self.dir / "folder").mkdir()
        (self.dir / "folder/old").write_text("old")
        for name in ("old", "new"):
            (self.dir / "link").symlink_to(f"folder/{name}")
            self.run_it("embed", "-m", MODEL, "--text", "a", "-o", "link")
            self.assertTrue((self.dir / "link").is_symlink())
            json.loads((self.dir / "folder" / name).read_text())
            (self.dir / "link").unlink()

    def test_nothing_done_replaces_nothing(self):
        (self.dir / "out").write_text("precious")
        self.fails("embed", "-q", "-m", MODEL, "none.wav", "-o", "out", status=1, says="none.wav")
        self.assertEqual((self.dir / "out").read_text(), "precious")
        self.assertEqual([p.name for p in self.dir.iterdir()], ["out"])

    def test_a_dash_is_stdout(self):
        self.assertEqual(len(self.rows("embed", "-m", MODEL, "--text", "rain", "-o", "-")), 1)

    def test_messages_never_land_in_the_output_when_stderr_is_closed(self):
        subprocess.run(f'"{EARSHOT}" embed -m "{MODEL}" none.wav --text rain -o out 2>&-', shell=True, cwd=self.dir,
                       env=self.env, timeout=60)
        json.loads((self.dir / "out").read_text())

    def test_a_file_without_use_is_named_once(self):
        (self.dir / "a.wav").write_bytes(tone(self.dir / "whole.wav").read_bytes()[:40] + struct.pack("<I", 1) + b"x")
        self.fails("embed", "-q", "-m", MODEL, "a.wav", status=1, says="a.wav")

    def test_more_threads_than_the_system_gives_are_one_line(self):
        tone(self.dir / "a.wav")
        done = subprocess.run(f'ulimit -v 1000000; "{EARSHOT}" embed -q -m "{MODEL}" a.wav --threads 1000', shell=True,
                              capture_output=True, cwd=self.dir, env=self.env, timeout=60)
        if done.stderr and b"AddressSanitizer" not in done.stderr:
            self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1), done.stderr)

    def test_every_format_gives_the_same_tone(self):
        wav = tone(self.dir / "a.wav", seconds=1, rate=44100, channels=2)
        kinds = {"flac": 0.999, "mp3": 0.95, "ogg": 0.95, "opus": 0.95, "m4a": 0.95, "aiff": 0.999, "webm": 0.95}
        for kind in kinds:
            subprocess.run(["ffmpeg", "-v", "error", "-i", wav, self.dir / f"a.{kind}"], check=True)
        rows = self.rows("embed", "-m", MODEL, wav, *(self.dir / f"a.{k}" for k in kinds))
        for row, (kind, least) in zip(rows[1:], kinds.items()):
            cosine = sum(x * y for x, y in zip(rows[0]["embedding"], row["embedding"]))
            self.assertGreater(cosine, least, kind)

    def test_an_interrupt_keeps_what_is_finished(self):
        sounds = [tone(self.dir / f"{i}.wav", seconds=2) for i in range(40)]
        with subprocess.Popen([EARSHOT, "embed", "-q", "-m", MODEL, *sounds * 400], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=self.env) as run:
            first = run.stdout.readline()
            run.send_signal(signal.SIGINT)
            rest, said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130)
        rows = (first + rest).splitlines()
        self.assertLess(len(rows), 16000)
        for row in rows:
            json.loads(row)
        self.assertEqual(said.decode().count("\n"), 1)

    def test_fused_checkpoints_embed_whole_clips(self):
        sound = tone(self.dir / "a.wav", seconds=4.2)
        whole = self.rows("embed", "-m", FUSED, sound)
        windows = self.rows("embed", "-m", FUSED, sound, "--windows")
        self.assertEqual((len(whole), whole[0]["end"]), (1, 4.2))
        self.assertGreater(len(windows), 1)


class Classify(Cli):
    def setUp(self):
        super().setUp()
        self.sound = tone(self.dir / "a.wav", seconds=2.2)

    def test_probabilities_sum_to_one_and_fall(self):
        row = self.rows("--json", "classify", "-m", MODEL, self.sound, "--labels", "dog, cat,rain")[0]
        self.assertEqual(row["path"], str(self.sound))
        self.assertEqual({x["label"] for x in row["labels"]}, {"dog", "cat", "rain"})
        values = [x["probability"] for x in row["labels"]]
        self.assertAlmostEqual(sum(values), 1, places=5)
        self.assertEqual(values, sorted(values, reverse=True))
        self.assertEqual(row["windows"], [])

    def test_windows_and_top_and_labels_file(self):
        (self.dir / "labels").write_text("dog\ncat\nrain\nwind\n")
        row = self.rows("--json", "classify", "-m", MODEL, self.sound, "--labels-file", "labels", "--top", "2",
                        "--windows")[0]
        self.assertEqual(len(row["labels"]), 2)
        self.assertEqual([(w["start"], w["end"]) for w in row["windows"]], [(0, 1), (1, 2), (1.2, 2.2)])
        self.assertTrue(all(len(w["labels"]) == 2 for w in row["windows"]))

    def test_the_table_names_the_file_and_the_labels(self):
        text = self.run_it("classify", "-m", MODEL, self.sound, "--labels", "dog,cat").stdout.decode()
        self.assertIn(str(self.sound), text)
        self.assertIn("dog", text)
        self.assertNotIn("\x1b", text)
        self.assertIn("\x1b", self.run_it("--color", "always", "classify", "-m", MODEL, self.sound, "--labels",
                                          "dog,cat").stdout.decode())

    def test_wrong_labels_are_wrong_usage(self):
        self.fails("classify", "-m", MODEL, self.sound, status=2, says="--labels")
        self.fails("classify", "-m", MODEL, self.sound, "--labels", "dog,,cat", status=2, says="empty")
        self.fails("classify", "-m", MODEL, self.sound, "--labels", "dog,dog", status=2, says="twice")
        self.fails("classify", "-m", MODEL, self.sound, "--labels", "dog", "--template", "x", status=2, says="no {}")
        self.fails("classify", "-m", MODEL, "--labels", "dog", status=2, says="no file")
        self.fails("classify", "-m", MODEL, self.sound, "--labels", b"dog,\xff", status=2, says="not UTF-8")
        self.fails("classify", "-m", MODEL, self.sound, "--labels", "dog", "--template", b"{}\xff", status=2,
                   says="not UTF-8")
        self.fails("classify", "-m", MODEL, self.sound, "--labels", "dog", "--top", "0", status=2, says="--top")

    def test_labels_are_shown_without_their_control_characters(self):
        text = self.run_it("classify", "-m", MODEL, self.sound, "--labels", "d\x1bo\ng").stdout
        self.assertNotIn(b"\x1b", text)
        self.assertEqual(text.count(b"\n"), 2)

    def test_templates_change_the_answer(self):
        plain = self.rows("--json", "classify", "-m", MODEL, self.sound, "--labels", "dog,cat")
        other = self.rows("--json", "classify", "-m", MODEL, self.sound, "--labels", "dog,cat", "--template", "{}",
                          "--template", "loud {}")
        self.assertNotEqual(plain, other)


class Models(Cli):
    def copy(self, name="model", source=MODEL):
        return pathlib.Path(shutil.copytree(source, self.dir / name, copy_function=shutil.copyfile))

    def test_list_names_the_published_checkpoints(self):
        names = {row["name"]: row for row in json.loads(self.run_it("--json", "model", "list").stdout)}
        for name in ("clap-htsat-unfused", "clap-htsat-fused", "larger_clap_general", "larger_clap_music_and_speech"):
            self.assertFalse(names["laion/" + name]["installed"])
        self.assertIn(b"laion/clap-htsat-unfused", self.run_it("model", "list").stdout)

    def test_info_tells_shapes_and_checks(self):
        info = json.loads(self.run_it("--json", "model", "info", MODEL).stdout)
        self.assertEqual(info["sample_rate"], 48000)
        self.assertEqual(len(info["sha256"]), 64)
        self.assertGreater(info["parameters"], 1000)
        self.assertTrue(all(check["ok"] for check in info["checks"]))
        self.assertIn(b"parameters", self.run_it("model", "info", MODEL).stdout)

    def test_info_notices_a_text_tower_that_answers_the_same_to_everything(self):
        model = self.copy()
        flatten(model / "model.safetensors", "text_projection.linear2.weight")
        info = json.loads(self.run_it("--json", "model", "info", model).stdout)
        self.assertFalse(all(check["ok"] for check in info["checks"]))
        self.assertIn(b"text tower", self.run_it("embed", "-m", model, "--text", "rain").stderr)

    def test_weights_that_are_not_numbers_give_no_vectors(self):
        tone(self.dir / "a.wav")
        for name, args in (("audio_projection.linear1.bias", ["a.wav"]), ("text_projection.linear1.bias", ["--text", "a"]),
                           ("logit_scale_a", ["--text", "a"])):
            model = self.copy(name)
            flatten(model / "model.safetensors", name, byte=255)
            done = self.fails("embed", "-q", "-m", model, *args, status=1, says="")
            self.assertFalse(done.stdout)

    def test_a_broken_vocabulary_is_refused_for_sounds_too(self):
        model = self.copy()
        with open(model / "merges.txt", "a", encoding="utf-8") as merges:
            merges.write("zz yy\n")
        tone(self.dir / "a.wav")
        self.assertFalse(self.fails("embed", "-q", "-m", model, "a.wav", status=1, says="merges.txt").stdout)

    def test_convert_makes_a_smaller_model_that_hears_the_same(self):
        sound = tone(self.dir / "a.wav")
        wanted = self.rows("embed", "-m", MODEL, sound)[0]["embedding"]
        for kind, least in (("bf16", 0.9995), ("int8", 0.98), ("f32", 0.999999)):
            self.run_it("model", "convert", MODEL, "-o", kind, "--type", kind)
            got = self.rows("embed", "-m", kind, sound)[0]["embedding"]
            self.assertGreater(sum(x * y for x, y in zip(wanted, got)), least, kind)
            self.assertEqual(json.loads(self.run_it("--json", "model", "info", kind).stdout)["type"], kind)
        self.assertLess((self.dir / "int8/model.safetensors").stat().st_size,
                        (MODEL / "model.safetensors").stat().st_size / 2)

    def test_convert_never_overwrites(self):
        self.fails("model", "convert", MODEL, "-o", self.copy("there"), "--type", "int8", status=1, says="there")

    def test_verify_holds_the_reference(self):
        for model in sorted((ROOT / "tests/ref/models").iterdir()):
            if model.is_dir():
                result = json.loads(self.run_it("--json", "model", "verify", model, "--reference",
                                                model / "reference.safetensors").stdout)
                self.assertTrue(result["ok"])
                self.assertGreater(len(result["stages"]), 10)

    def test_verify_names_the_first_stage_that_diverges(self):
        model = self.copy()
        flatten(model / "model.safetensors", "audio_model.audio_encoder.norm.weight")
        done = self.run_it("--json", "model", "verify", model, "--reference", model / "reference.safetensors", status=1)
        stages = json.loads(done.stdout)["stages"]
        first = next(stage["name"] for stage in stages if not stage["ok"])
        self.assertIn(first, done.stderr.decode())
        self.assertNotIn("stage0", first)

    def test_wrong_usage_of_model(self):
        self.fails("model", status=2, says="say what to do")
        self.fails("model", "fly", status=2, says="say what to do")
        self.fails("model", "info", status=2, says="name one model")
        self.fails("model", "convert", MODEL, status=2, says="--type")
        self.fails("model", "verify", MODEL, status=2, says="--reference")

    def test_broken_model_directories_end_in_one_line(self):
        cases = {
            "config.json": [b"", b"{", b"[]", b'{"model_type":"clap","audio_config":{"depths":[]}}', b"\xff" * 100],
            "model.safetensors": [b"", b"\xff" * 8, struct.pack("<Q", 1 << 40), struct.pack("<Q", 2) + b"{}"],
            "vocab.json": [b"", b"{", b'{"a":1}', b'{"a":-1}'],
            "merges.txt": [b"#version: 0.2\nzz yy\n", b"#version: 0.2\none two three four\n"],
        }
        for name, contents in cases.items():
            for i, content in enumerate(contents):
                model = self.copy(f"{name}-{i}")
                (model / name).write_bytes(content)
                self.fails("embed", "-m", model, "--text", "a", status=1, says=name)
        for name in cases:
            model = self.copy(f"no-{name}")
            (model / name).unlink()
            done = self.run_it("embed", "-m", model, "--text", "a", status=1)
            self.assertEqual(done.stderr.count(b"\n"), 1)


def flatten(path, name, byte=0):
    """Sets a tensor of a safetensors file to zeros, or to another byte: 255 makes it not a number."""
    data = bytearray(path.read_bytes())
    length = struct.unpack("<Q", data[:8])[0]
    begin, end = json.loads(data[8:8 + length])[name]["data_offsets"]
    data[8 + length + begin:8 + length + end] = bytes([byte]) * (end - begin)
    path.write_bytes(data)


class Pull(Cli):
    @contextlib.contextmanager
    def hub(self, *options):
        root = self.dir / "hub"
        if not root.exists():
            shutil.copytree(MODEL, root / "someone/tiny")
            (root / "someone/tiny/reference.safetensors").unlink()
        with subprocess.Popen([sys.executable, HERE / "fake_hub.py", root, *options], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as server:
            try:
                self.env["HF_ENDPOINT"] = server.stdout.readline().strip()
                yield
            finally:
                server.kill()

    def test_a_pulled_model_works_by_name(self):
        with self.hub():
            self.run_it("model", "pull", "someone/tiny")
        self.assertEqual(self.run_it("embed", "-m", "someone/tiny", "--text", "a").stdout,
                         self.run_it("embed", "-m", MODEL, "--text", "a").stdout)
        rows = json.loads(self.run_it("--json", "model", "list").stdout)
        self.assertTrue(next(row for row in rows if row["name"] == "someone/tiny")["installed"])
        self.assertIn(b"already in", self.run_it("model", "pull", "someone/tiny").stdout)

    def test_a_cut_pull_goes_on(self):
        with self.hub("--cut-after", "300000"):
            self.run_it("-q", "model", "pull", "someone/tiny")
        self.run_it("embed", "-m", "someone/tiny", "--text", "a")

    def test_a_killed_pull_goes_on(self):
        with self.hub("--cut-after", "100000", "--hold"):
            run = subprocess.Popen([EARSHOT, "model", "pull", "someone/tiny"], env=self.env, stderr=subprocess.DEVNULL)
            partial = self.dir / "data/earshot/models/someone--tiny.partial"
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and not any(p.stat().st_size >= 100000 for p in partial.glob("*.part")):
                time.sleep(0.02)
            run.kill()
            run.wait()
        self.assertTrue(any(p.stat().st_size >= 100000 for p in partial.glob("*.part")))
        with self.hub():
            self.run_it("model", "pull", "someone/tiny")
        self.run_it("embed", "-m", "someone/tiny", "--text", "a")

    def test_a_wrong_hash_installs_nothing(self):
        with self.hub("--corrupt", "model.safetensors"):
            self.fails("-q", "model", "pull", "someone/tiny", status=1, says="sha256")
        self.run_it("embed", "-m", "someone/tiny", "--text", "a", status=1)

    def test_unknown_models_are_not_found(self):
        with self.hub():
            self.fails("-q", "model", "pull", "someone/other", status=1, says="someone/other")
        self.fails("-q", "model", "pull", "../../etc", status=2, says="../../etc")


class Bench(Cli):
    def test_bench_tells_machine_and_figures(self):
        result = json.loads(self.run_it("--json", "bench", "-m", MODEL, "--rows", "10000").stdout)
        self.assertIn("cpu", result["machine"])
        names = {row["name"] for row in result["results"]}
        self.assertLessEqual({"mel_window", "audio_window", "text_query", "search_1k", "search_10k"}, names)
        self.assertNotIn("search_100k", names)
        for row in result["results"]:
            self.assertLessEqual(row["min"], row["median"])

    def test_an_index_that_cannot_be_written_leaves_the_other_figures(self):
        most, temporary = 11 << 20, self.dir / "tmp"
        temporary.mkdir()
        run = subprocess.run([EARSHOT, "--json", "bench", "-m", MODEL, "--rows", "100000"], capture_output=True,
                             env={**self.env, "TMPDIR": temporary}, timeout=120,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
        self.assertEqual(run.returncode, 3, run.stderr)
        self.assertIn("synthetic.index: ", run.stderr.decode())
        names = [row["name"] for row in json.loads(run.stdout)["results"]]
        self.assertEqual(names[-1], "search_10k")
        self.assertEqual(list(temporary.iterdir()), [])


if __name__ == "__main__":
    main()
