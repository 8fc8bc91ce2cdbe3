#!/usr/bin/env python3
"""The commands of the library as their users meet them: index, search, similar, and the care of it.

    test_library_cli.py EARSHOT      prints TAP. Needs Python's standard library only.
"""
import base64
import csv
import fcntl
import io
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios
import time

from cli import EARSHOT, FUSED, MODEL, Cli, main, tone

SOUNDS = {"dogs/DogBark_01.wav": 200, "dogs/Howl at night.wav": 300, "weather/rain on roof.wav": 800,
          "weather/thunder.wav": 90, "siren.wav": 1500}
REPORT = {"added", "changed", "moved", "unchanged", "removed", "failed", "windows", "audio_seconds", "seconds"}
CLIP = {"id", "path", "paths", "title", "duration", "tags", "fields", "windows", "added"}
HIT = {"rank", "id", "path", "title", "score", "match", "cosine", "bm25", "start", "end", "duration", "tags", "fields"}


class Library(Cli):
    def setUp(self):
        super().setUp()
        self.env["EARSHOT_LIBRARY"] = str(self.dir / "lib")
        self.sounds = self.dir / "sounds"
        for i, (name, hertz) in enumerate(SOUNDS.items()):
            (self.sounds / name).parent.mkdir(parents=True, exist_ok=True)
            tone(self.sounds / name, seconds=1.2 + 0.5 * i, hertz=hertz)

    def json(self, *args, **more):
        return json.loads(self.run_it("--json", *args, **more).stdout)

    def index(self, *args, **more):
        return self.json("index", "-m", MODEL, "sounds", *args, **more)

    def hits(self, *args):
        return self.json("search", *args)["hits"]

    def names(self, hits):
        return [os.path.basename(hit["path"]) for hit in hits]

    def list(self, *args):
        return self.rows("--json", "list", *args)

    def on_terminal(self, *args, columns=60, **more):
        """What the command writes to a terminal of so many columns."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen([EARSHOT, *map(os.fspath, args)], stdout=slave, stderr=subprocess.DEVNULL, cwd=self.dir,
                              env={**self.env, **more}) as run:
            os.close(slave)
            text = b""
            try:
                while block := os.read(master, 65536):
                    text += block
            except OSError:
                pass  # the other end is closed
        os.close(master)
        return text.decode()


class Index(Library):
    def test_a_folder_becomes_a_library_and_the_second_run_changes_nothing(self):
        first = self.index()
        self.assertLessEqual(REPORT, first.keys())
        self.assertEqual((first["added"], first["unchanged"], first["failed"]), (5, 0, []))
        self.assertGreater(first["windows"], 5)
        self.assertAlmostEqual(first["audio_seconds"], sum(1.2 + 0.5 * i for i in range(5)), places=2)
        second = self.index()
        self.assertEqual((second["added"], second["unchanged"], second["windows"]), (0, 5, 0))

    def test_the_summary_is_what_people_want_to_know(self):
        text = self.run_it("index", "-m", MODEL, "sounds").stdout.decode()
        self.assertIn("5 clips added", text)
        self.assertIn("hours of audio", text)
        self.assertIn("× real time", text)
        self.assertFalse(self.run_it("-q", "index", "sounds").stdout)

    def test_moved_copied_and_changed_files_are_known(self):
        self.index()
        os.rename(self.sounds / "siren.wav", self.sounds / "dogs/siren.wav")
        tone(self.sounds / "weather/thunder.wav", seconds=2, hertz=95)
        report = self.index("--prune")
        self.assertEqual((report["added"], report["changed"], report["moved"]), (0, 1, 1))
        self.assertEqual(len(self.list()), 5)

    def test_files_that_are_gone_are_forgotten_on_request(self):
        self.index()
        (self.sounds / "siren.wav").unlink()
        self.assertEqual(self.index()["removed"], 0)
        self.assertEqual(self.index("--prune")["removed"], 1)
        self.assertEqual(len(self.list()), 4)

    def test_shards_are_disjoint_and_together_the_whole(self):
        parts = []
        for i in (1, 2, 3):
            self.index("--shard", f"{i}/3", "-L", f"part{i}")
            done = self.run_it("--json", "list", "-L", f"part{i}")
            parts += [json.loads(line)["path"] for line in done.stdout.splitlines()]
        self.assertEqual(sorted(parts), sorted(str(self.sounds / name) for name in SOUNDS))
        for wrong in ("0/3", "4/3", "1", "a/b"):
            self.fails("index", "-m", MODEL, "sounds", "--shard", wrong, status=2, says="--shard")

    def test_failures_are_named_kept_and_not_tried_again(self):
        (self.sounds / "bad.wav").write_text("this is no sound\n" * 100)
        done = self.run_it("index", "-q", "-m", MODEL, "sounds", status=3)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        self.assertIn(b"bad.wav: ", done.stderr)
        row, = self.list("--failed")
        self.assertEqual(row["path"], str(self.sounds / "bad.wav"))
        self.assertTrue(row["error"])
        self.assertNotIn("bad.wav", row["error"])
        self.assertIn("bad.wav", self.run_it("list", "--failed").stdout.decode())
        again = self.run_it("index", "sounds")
        self.assertIn(b"--retry-failed", again.stderr)
        failed = json.loads(self.run_it("--json", "-q", "index", "sounds", "--retry-failed", status=3).stdout)["failed"]
        self.assertEqual([(f["path"], "bad.wav" in f["error"]) for f in failed], [(str(self.sounds / "bad.wav"), False)])
        self.assertEqual(self.json("stats")["failed"], 1)

    def test_nothing_done_is_one(self):
        (self.dir / "bad.wav").write_text("this is no sound\n" * 100)
        self.fails("index", "-q", "-m", MODEL, "bad.wav", status=1, says="bad.wav")
        self.fails("index", "-q", "-m", MODEL, "none", status=1, says="none")

    def test_a_new_library_takes_the_model_that_came_along(self):
        self.run_it("index", "-q", "sounds")
        self.assertEqual(json.loads(self.run_it("stats", "--json").stdout)["model"], "builtin")
        self.run_it("search", "rain", "--json")

    def test_another_model_is_refused_with_the_way_out(self):
        self.index()
        tone(self.sounds / "new.wav", hertz=700)
        self.fails("index", "-q", "-m", FUSED, "sounds", status=1, says="-L")
        self.fails("search", "-m", FUSED, "rain", status=1, says="-L")

    def test_where_the_library_is(self):
        del self.env["EARSHOT_LIBRARY"]
        self.index()
        home = self.dir / "data/earshot"
        self.assertTrue((home / "library.db").exists())
        shutil.copytree(MODEL, home / "models/someone--tiny")
        self.assertEqual(len(self.list()), 5)
        self.json("-L", "other", "index", "-m", MODEL, "sounds/siren.wav")
        self.assertEqual(len(self.rows("--json", "list", "-L", "other")), 1)
        self.env["EARSHOT_LIBRARY"] = str(self.dir / "other")
        self.assertEqual(len(self.list()), 1)

    def test_a_library_lends_its_model_to_other_commands(self):
        self.index()
        for command in (["embed", "--text", "rain"], ["classify", "sounds/siren.wav", "--labels", "rain,dog"]):
            self.assertEqual(self.run_it(*command).stdout, self.run_it("-m", MODEL, *command).stdout)
        self.assertNotEqual(self.run_it("embed", "--text", "rain").stdout,
                            self.run_it("-m", FUSED, "embed", "--text", "rain").stdout)

    def test_a_dry_run_changes_nothing(self):
        report = self.index("--dry-run")
        self.assertEqual(report["added"], 5)
        self.assertIn(b"would be", self.run_it("index", "-m", MODEL, "--dry-run", "sounds").stdout)
        self.index()
        self.assertEqual(self.json("stats")["clips"], 5)

    def test_what_cannot_be_done_leaves_no_library(self):
        self.assertEqual(self.index("--dry-run")["added"], 5)
        self.fails("index", "-m", MODEL, "nofolder", status=1, says="nofolder: no such file")
        self.fails("index", "-m", MODEL, "sounds", "--meta", "none.csv", status=1, says="none.csv: no such file")
        self.fails("index", "-m", "nomodel", "sounds", status=1, says="nomodel")
        self.assertFalse((self.dir / "lib").exists())
        self.fails("list", status=1, says="there is no library")

    def test_globs_choose_files(self):
        self.assertEqual(self.index("--include", "*r*.wav", "--exclude", "weather")["added"], 2)

    def test_globs_choose_folders(self):
        self.assertEqual(self.index("--exclude", "weather/")["added"], 3)
        self.fails("index", "-m", MODEL, "sounds", "--exclude", str(self.sounds / "dogs"), status=2, says="a glob is of")

    def test_tags_and_a_table_say_more(self):
        (self.dir / "meta.csv").write_text('path,title,mood\n"sounds/siren.wav","A, siren",loud\n')
        self.index("--tag", "mine", "--tag", "test", "--meta", "meta.csv")
        clip, = self.list("--filter", "mood = loud")
        self.assertEqual((clip["title"], clip["tags"], clip["fields"]["mood"]), ("A, siren", ["mine", "test"], "loud"))
        self.assertEqual(len(self.list("--filter", "tag = mine")), 5)

    def test_shards_add_up(self):
        parts = [self.index("--shard", f"{i}/3")["added"] for i in (1, 2, 3)]
        self.assertEqual(sum(parts), 5)
        for bad in ("0/3", "4/3", "1", "1/3x", "-1/2"):
            self.fails("index", "sounds", f"--shard={bad}", status=2, says="--shard")

    def test_an_interrupt_keeps_what_is_finished_and_the_same_command_goes_on(self):
        for i in range(60):
            tone(self.sounds / f"{i}.wav", seconds=20 + i / 100, hertz=100 + i, rate=8000)
        with subprocess.Popen([EARSHOT, "--json", "index", "-m", MODEL, "sounds"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, cwd=self.dir, env=self.env) as run:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and not (self.dir / "lib/library.db").exists():
                time.sleep(0.01)
            time.sleep(0.2)
            run.send_signal(signal.SIGINT)
            out, said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, said)
        done = json.loads(out)["added"]
        self.assertLess(done, 65)
        self.assertEqual(self.index()["added"], 65 - done)

    def test_wrong_usage_of_index(self):
        self.fails("index", status=2, says="nothing to index")
        self.fails("index", "sounds", "--hop", "0", status=2, says="--hop")
        self.fails("index", "sounds", "--jobs", "0", status=2, says="--jobs")
        self.fails("index", "sounds", "--watch", "--dry-run", status=2, says="--watch")
        self.fails("index", "sounds", "-m", MODEL, "--meta", "none.csv", status=1, says="none.csv")


class Search(Library):
    def setUp(self):
        super().setUp()
        self.index()

    def test_hits_have_the_promised_shape(self):
        found = self.json("search", "dog", "barking")
        self.assertLessEqual({"query", "mode", "model", "library", "clips", "seconds", "hits"}, found.keys())
        self.assertEqual((found["query"], found["mode"], found["clips"]), ("dog barking", "hybrid", 5))
        self.assertEqual(len(found["hits"]), 5)
        self.assertIsNone(found["nearest"])
        for rank, hit in enumerate(found["hits"], 1):
            self.assertLessEqual(HIT, hit.keys())
            self.assertEqual(hit["rank"], rank)
            self.assertTrue(0 <= hit["match"] <= 1)
            self.assertTrue(0 <= hit["start"] < hit["end"])
        scores = [hit["score"] for hit in found["hits"]]
        self.assertEqual(scores, sorted(scores, reverse=True))

    def test_words_find_names_folders_and_split_names(self):
        self.assertEqual(self.names(self.hits("--mode", "bm25", "bark")), ["DogBark_01.wav"])
        self.assertEqual(set(self.names(self.hits("--mode", "bm25", "weather"))), {"rain on roof.wav", "thunder.wav"})
        self.assertIsNone(self.hits("--mode", "bm25", "bark")[0]["cosine"])

    def test_a_file_finds_itself(self):
        hit = self.hits("--mode", "vector", "sounds/siren.wav")[0]
        self.assertEqual(os.path.basename(hit["path"]), "siren.wav")
        self.assertGreater(hit["cosine"], 0.9)

    def test_sums_subtract(self):
        cosine = lambda *query: {name: hit["cosine"] for hit in self.hits("--mode", "vector", *query)
                                 for name in self.names([hit])}["siren.wav"]
        self.assertLess(cosine("rain", "-", "sounds/siren.wav"), cosine("rain"))
        self.assertLess(cosine("rain"), cosine("rain", "+", "sounds/siren.wav"))
        self.assertLess(cosine("rain", "+", "sounds/siren.wav"), cosine("rain", "+", "3:sounds/siren.wav"))

    def test_pages_add_up(self):
        whole = self.hits("rain", "-n", "5")
        pages = self.hits("rain", "-n", "2") + self.hits("rain", "-n", "2", "--from", "2") + \
            self.hits("rain", "-n", "2", "--from", "4")
        self.assertEqual(pages, whole)
        self.assertEqual([hit["rank"] for hit in pages], [1, 2, 3, 4, 5])

    def test_filters_choose(self):
        self.assertEqual(set(self.names(self.hits("rain", "--filter", 'path ~ "dogs/" and duration < 1.5'))),
                         {"DogBark_01.wav"})

    def test_a_wrong_filter_is_shown_with_its_place(self):
        for command in (("search", "rain"), ("list",), ("similar", "sounds/siren.wav"), ("export",)):
            done = self.run_it(*command, "--filter", "tag = 'é' and durtion < 30", status=2)
            message, text, caret = done.stderr.decode().splitlines()
            self.assertTrue(message.startswith("earshot: "), message)
            self.assertIn("durtion", message)
            self.assertEqual(text.strip(), "tag = 'é' and durtion < 30")
            self.assertEqual(caret.index("^"), text.index("durtion"))
        done = self.run_it("search", "rain", "--filter", "(" + "tag = a or " * 300 + ")", status=2)
        self.assertEqual(len(done.stderr.decode().splitlines()[2].strip()), 1)
        self.assertLess(len(done.stderr.decode().splitlines()[1]), 200)

    def test_nothing_found_is_no_error(self):
        done = self.run_it("search", "--mode", "bm25", "zebra")
        self.assertEqual((done.stdout, done.stderr.count(b"\n")), (b"", 1))
        self.assertIn(b"nothing found", done.stderr)
        done = self.run_it("search", "rain", "--min-match", "1")
        self.assertIn(b"nearest", done.stderr)
        self.assertRegex(done.stderr.decode(), r"\d+ %")
        self.assertTrue(0 < self.json("search", "rain", "--min-match", "1")["nearest"] < 1)
        self.assertEqual(self.hits("rain", "--filter", "duration > 1000"), [])

    def test_min_match_drops_what_is_below(self):
        matches = sorted(hit["match"] for hit in self.hits("rain"))
        kept = self.hits("rain", "--min-match", str(matches[2] - 1e-6))
        self.assertEqual(len(kept), 3)

    def test_windows_are_hits_of_their_own(self):
        hits = self.hits("rain", "--windows", "-n", "100")
        self.assertEqual(len(hits), self.json("stats")["windows"])
        self.assertEqual(len({(h["id"], h["start"]) for h in hits}), len(hits))

    def test_explanations_come_in_json_and_in_the_table(self):
        for hit in self.hits("dog", "bark", "--explain"):
            self.assertEqual(hit["explain"].keys(), {"vector", "bm25"})
            self.assertIsInstance(hit["explain"]["vector"]["rank"], int)
        text = self.run_it("search", "dog", "bark", "--explain").stdout.decode()
        self.assertIn("vector: rank 1", text)
        self.assertIn("cosine", text)
        self.assertNotIn("explain", self.hits("dog")[0])

    def test_fusions_and_weights(self):
        words = self.names(self.hits("dog", "bark", "--weight", "0"))
        self.assertEqual(words[0], "DogBark_01.wav")
        for fusion in ("minmax", "rrf"):
            self.assertEqual(len(self.hits("dog", "bark", "--fusion", fusion)), 5)
        self.assertEqual(self.names(self.hits("rain", "--mode", "vector", "--exact")),
                         self.names(self.hits("rain", "--mode", "vector")))

    def test_near_duplicates_are_folded(self):
        shutil.copy(self.sounds / "siren.wav", self.sounds / "siren copy.wav")
        with open(self.sounds / "siren copy.wav", "ab") as more:
            more.write(b"JUNK\0\0\0\0")
        self.index()
        self.assertEqual(len(self.hits("siren")), 6)
        folded = self.hits("siren", "--fold-duplicates")
        self.assertEqual(sum("siren" in name for name in self.names(folded)), 1)

    def test_a_short_option_may_hold_its_value(self):
        self.assertEqual(len(self.hits("-n2", "rain")), 2)
        self.assertEqual(len(self.hits("-qn1", "rain")), 1)
        self.assertEqual(self.run_it(f"-L{self.dir / 'lib'}", "search", "rain", "-0n1").stdout.count(b"\0"), 1)
        self.fails("search", "rain", "-n1x", status=2, says="1x")
        self.assertEqual(self.json("search", "-n1", "--", "-n5")["query"], "-n5")
        self.assertIn(b'"-n1"', self.run_it("search", "rain", "--filter", "-n1", status=2).stderr)
        self.fails("search", "rain", "-n1000000", status=2, says="1000000 is not in")

    def test_wrong_usage_of_search(self):
        self.fails("search", status=2, says="what to look for")
        self.fails("search", "rain", "-", status=2, says="")
        self.fails("search", "rain", "-n", "0", status=2, says="--limit")
        self.fails("search", "rain", "--weight", "1.5", status=2, says="--weight")
        self.fails("search", "rain", "--mode", "magic", status=2, says="--mode")
        self.fails("search", "rain", "--json", "--format", "csv", status=2, says="--json")
        self.fails("search", "rain", "-0", "--format", "csv", status=2, says="-0")
        self.fails("search", "rain", "--windows", "--format", "trec", status=2, says="--windows")
        self.fails("search", "rain", "--format", "trec", "--query-id", "a b", status=2, says="--query-id")
        self.fails("search", "rain", "-L", "nowhere", status=1, says="nowhere")
        self.fails("search", "id:ffffffffffff", status=1, says="ffff")


class Formats(Library):
    ODD = os.fsdecode(b"new\nline \xff\x1b[2J.wav")

    def setUp(self):
        super().setUp()
        tone(self.sounds / self.ODD, seconds=1, hertz=555)
        self.index()

    def paths(self):
        return [base64.b64decode(hit["path_base64"]) if "path_base64" in hit else os.fsencode(hit["path"])
                for hit in self.hits("rain")]

    def test_paths_are_bytes_and_may_end_with_nul(self):
        wanted = self.paths()
        self.assertIn(os.fsencode(self.sounds / self.ODD), wanted)
        for args in (["-0"], ["--format", "paths", "-0"], ["-0", "--format=paths"]):
            out = self.run_it("search", "rain", *args).stdout
            self.assertEqual(out, b"".join(path + b"\0" for path in wanted))
        self.assertEqual(self.run_it("search", "rain", "--format", "paths").stdout,
                         b"".join(path + b"\n" for path in wanted))

    def test_json_is_a_format_too(self):
        plain, formatted = self.json("search", "rain"), json.loads(self.run_it("search", "rain", "--format", "json").stdout)
        self.assertEqual(plain["hits"], formatted["hits"])

    def test_csv_has_a_header_and_survives_odd_names(self):
        out = self.run_it("search", "rain", "--format", "csv").stdout.decode(errors="surrogateescape")
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        self.assertEqual([os.fsencode(row["path"]) for row in rows], self.paths())
        for row, hit in zip(rows, self.hits("rain")):
            self.assertEqual((row["rank"], row["id"]), (str(hit["rank"]), hit["id"]))
            self.assertAlmostEqual(float(row["score"]), hit["score"], places=6)

    def test_m3u_opens_every_hit_where_it_was_found(self):
        lines = self.run_it("search", "rain", "--format", "m3u").stdout.splitlines()
        self.assertEqual(lines[0], b"#EXTM3U")
        entries = [line for line in lines if not line.startswith(b"#")]
        odd = os.fsencode(self.sounds / self.ODD)
        uris = [path for path in entries if path.startswith(b"file:///")]
        self.assertEqual(len(uris), 1)
        self.assertEqual([path for path in self.paths() if path != odd], [e for e in entries if e not in uris])
        self.assertIn(b"%0A", uris[0])
        starts = [hit["start"] for hit in self.hits("rain")]
        self.assertEqual(sum(line.startswith(b"#EXTVLCOPT:start-time=") for line in lines), sum(s > 0 for s in starts))
        self.assertEqual(sum(bool(re.match(rb"#EXTINF:\d+,.+", line)) for line in lines), 6)

    def test_trec_lines_have_six_fields(self):
        lines = self.run_it("search", "rain", "--format", "trec", "--query-id", "q7").stdout.decode().splitlines()
        hits = self.hits("rain")
        self.assertEqual([line.split()[:4] for line in lines],
                         [["q7", "Q0", hit["id"], str(hit["rank"])] for hit in hits])
        self.assertTrue(all(len(line.split(" ")) == 6 for line in lines))

    def test_trec_scores_keep_the_order_of_equal_hits(self):
        for i in range(6):
            tone(self.sounds / f"{'abcdef'[i]} twin.wav", seconds=1, hertz=300 + i)
        self.index()
        out = self.run_it("search", "twin", "--mode", "bm25", "--format", "trec").stdout.decode()
        rows = [line.split() for line in out.splitlines()]
        scores = [struct.unpack("f", struct.pack("f", float(row[4])))[0] for row in rows]
        self.assertEqual(len(rows), 6)
        self.assertEqual(scores, sorted(set(scores), reverse=True))
        self.assertAlmostEqual(scores[0], scores[-1], places=4)

    def test_the_table_is_harmless_aligned_and_names_paths_from_here(self):
        text = self.run_it("search", "rain").stdout
        self.assertNotIn(b"\x1b", text)
        lines = text.decode().splitlines()
        self.assertEqual(len(lines), 6)
        self.assertTrue(all(re.match(r" ?\d+  .*\d+ %  0:0\d–0:0\d  sounds/", line) for line in lines), text)
        self.assertEqual(len({line.index("sounds/") for line in lines}), 1)

    def test_the_table_fits_the_terminal(self):
        self.run_it("edit", "sounds/siren.wav", "title=" + "雨の夜のサイレン " * 10, "tags=a very long tag, another long tag")
        for columns in (50, 80):
            lines = self.on_terminal("search", "rain", "--color", "never", columns=columns).splitlines()
            self.assertEqual(len(lines), 6)
            wide = lambda line: sum(2 if ord(c) >= 0x3000 and c != "\ufffd" else 1 for c in line)
            self.assertTrue(all(wide(line) <= columns for line in lines), lines)

    def test_colour_is_for_terminals_and_can_be_chosen(self):
        self.assertIn("\x1b[", self.on_terminal("search", "rain"))
        self.assertNotIn("\x1b[", self.on_terminal("search", "rain", NO_COLOR="1"))
        self.assertNotIn("\x1b[", self.on_terminal("search", "rain", "--color", "never"))
        self.assertIn(b"\x1b[", self.run_it("search", "rain", "--color", "always").stdout)

    def test_a_pipe_that_closes_early_is_no_fault(self):
        for args in ("search rain -n 6", "list", "list --json", "export --vectors"):
            done = subprocess.run(f'"{EARSHOT}" {args} | head -n 1 | wc -l', shell=True, capture_output=True, cwd=self.dir,
                                  env=self.env, timeout=60)
            self.assertEqual((done.stdout.strip(), done.stderr), (b"1", b""))


class Similar(Library):
    def setUp(self):
        super().setUp()
        self.index()

    def test_the_sound_itself_is_left_out(self):
        ident = self.json("show", "sounds/siren.wav")["id"]
        tone(self.dir / "other.wav", seconds=2, hertz=1400)
        for what in ("sounds/siren.wav", f"id:{ident}", f"id:{ident[:8].upper()}"):
            hits = self.json("similar", what)["hits"]
            self.assertEqual(len(hits), 4)
            self.assertNotIn("siren.wav", self.names(hits))
        self.assertEqual(len(self.json("similar", "other.wav")["hits"]), 5)

    def test_several_sounds_are_left_out_together(self):
        ident = self.json("show", "sounds/siren.wav")["id"]
        hits = self.json("similar", f"id:{ident}", "sounds/weather/thunder.wav", "--filter", "duration > 0")["hits"]
        self.assertEqual(set(self.names(hits)), {"DogBark_01.wav", "Howl at night.wav", "rain on roof.wav"})

    def test_what_is_not_there_is_named(self):
        self.fails("similar", "none.wav", status=1, says="none.wav")
        self.fails("similar", "none.wav", "sounds/siren.wav", status=1, says="none.wav")
        self.fails("similar", "id:0123456789", status=1, says="0123456789")
        self.fails("similar", "sounds/siren.wav", "--mode", "bm25", status=2, says="bm25")


class Care(Library):
    def setUp(self):
        super().setUp()
        self.index()

    def test_list_gives_a_clip_a_line(self):
        clips = self.list()
        self.assertEqual(len(clips), 5)
        for clip in clips:
            self.assertLessEqual(CLIP, clip.keys())
            self.assertEqual(clip["paths"], [clip["path"]])
            self.assertRegex(clip["added"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        lines = self.run_it("list").stdout.decode().splitlines()
        self.assertEqual(sorted(line.split()[0] for line in lines), sorted(clip["id"] for clip in clips))
        self.fails("list", "more", status=2, says="no arguments")
        self.fails("list", "--failed", "--filter", "duration < 1", status=2, says="--failed")

    def test_show_knows_ids_and_paths_from_any_folder(self):
        clip = self.json("show", "sounds/dogs/../siren.wav")
        self.assertEqual(clip["path"], str(self.sounds / "siren.wav"))
        self.assertEqual(self.json("show", "id:" + clip["id"]), clip)
        self.assertEqual(self.json("show", clip["path"]), clip)
        (self.sounds / "siren.wav").unlink()
        self.assertEqual(self.json("show", "sounds/siren.wav"), clip)
        self.assertIn(clip["id"], self.run_it("show", "sounds/siren.wav").stdout.decode())
        self.fails("show", "none.wav", status=1, says="none.wav")
        self.fails("show", status=2, says="one clip")

    def test_edits_count_and_are_found(self):
        clip = self.json("edit", "sounds/siren.wav", "title=Martinshorn", "tags=alarm, city;night", "mood=very loud")
        self.assertEqual((clip["title"], clip["tags"]), ("Martinshorn", ["alarm", "city", "night"]))
        self.assertEqual(self.json("show", "id:" + clip["id"])["fields"]["mood"], "very loud")
        self.assertEqual(self.names(self.hits("--mode", "bm25", "martinshorn")), ["siren.wav"])
        self.assertEqual(len(self.list("--filter", "tag = city and mood = 'very loud'")), 1)
        self.assertFalse(self.run_it("edit", "sounds/siren.wav", "mood=", "tags=").stdout)
        clip = self.json("show", "sounds/siren.wav")
        self.assertEqual((clip["tags"], "mood" in clip["fields"]), ([], False))
        self.index()
        self.assertEqual(self.json("show", "sounds/siren.wav")["title"], "Martinshorn")

    def test_edits_are_taken_back(self):
        (self.dir / "labels.csv").write_text("path,title,mood\nsounds/siren.wav,Siren,loud\n")
        self.index("--meta", "labels.csv")
        self.run_it("edit", "sounds/siren.wav", "title=Martinshorn", "tags=alarm", "mood=")
        clip = self.json("edit", "sounds/siren.wav", "--unset", "title", "--unset", "tag", "--unset", "mood", "by=me")
        self.assertEqual((clip["title"], clip["tags"]), ("Siren", []))
        self.assertEqual((clip["fields"]["mood"], clip["fields"]["by"]), ("loud", "me"))
        self.assertEqual(self.hits("--mode", "bm25", "martinshorn"), [])
        self.run_it("edit", "sounds/siren.wav", "--unset", "by")
        self.assertNotIn("by", self.json("show", "sounds/siren.wav")["fields"])

    def test_wrong_edits(self):
        self.fails("edit", "sounds/siren.wav", "--unset", "duration", status=2, says="duration")
        self.fails("edit", "sounds/siren.wav", status=2, says="key=value")
        self.fails("edit", "sounds/siren.wav", "mood", status=2, says="key=value")
        self.fails("edit", "sounds/siren.wav", "=x", status=2, says="key=value")
        self.fails("edit", "sounds/siren.wav", "duration=3", status=2, says="duration")
        self.fails("edit", "sounds/siren.wav", "a b=3", status=2, says="a b")
        self.fails("edit", "none.wav", "mood=x", status=1, says="none.wav")

    def test_removed_clips_are_gone_and_the_files_stay(self):
        ident = self.json("show", "sounds/siren.wav")["id"]
        report = self.json("remove", "id:" + ident, "sounds/weather/thunder.wav", "none.wav", status=3)
        self.assertEqual((report["removed"], [row["path"] for row in report["failed"]]), (2, ["none.wav"]))
        self.assertEqual(len(self.list()), 3)
        self.assertEqual(len(self.hits("--mode", "vector", "rain")), 3)
        self.assertTrue((self.sounds / "siren.wav").exists())
        self.assertEqual(self.index()["added"], 2)
        self.fails("remove", "none.wav", status=1, says="none.wav")
        self.fails("remove", status=2, says="name clips")

    def test_removing_one_of_two_paths_keeps_the_clip(self):
        shutil.copy(self.sounds / "siren.wav", self.sounds / "again.wav")
        self.index()
        self.assertEqual(len(self.json("show", "sounds/again.wav")["paths"]), 2)
        self.json("remove", "sounds/again.wav")
        self.assertEqual(len(self.json("show", "sounds/siren.wav")["paths"]), 1)

    def test_stats_count(self):
        stats = self.json("stats")
        self.assertLessEqual({"clips", "windows", "audio_seconds", "failed", "model", "dim", "bytes"}, stats.keys())
        self.assertEqual(stats["bytes"].keys(), {"database", "index"})
        self.assertEqual((stats["clips"], stats["failed"], stats["model"]), (5, 0, str(MODEL)))
        self.assertIn(b"clips     5", self.run_it("stats").stdout)

    def test_a_sound_library_checks_out(self):
        check = self.json("check")
        self.assertTrue(check["ok"])
        self.assertGreater(len(check["checks"]), 2)
        for row in check["checks"]:
            self.assertLessEqual({"name", "ok", "detail"}, row.keys())
        self.assertIn(b"ok", self.run_it("check").stdout)

    def test_damage_is_told_and_mended(self):
        database = self.dir / "lib/library.db"
        data = bytearray(database.read_bytes())
        first = data.index(b"DogBark_01")  # a page that holds something
        data[first // 4096 * 4096:first // 4096 * 4096 + 64] = b"\xa5" * 64
        database.write_bytes(data)
        for name in ("library.db-wal", "library.db-shm"):
            (self.dir / "lib" / name).unlink(missing_ok=True)
        done = self.run_it("--json", "check", status=1)
        told = json.loads(done.stdout)
        self.assertFalse(told["ok"])
        for check in told["checks"]:
            self.assertNotRegex(check["detail"], "[\n\ufffd]")
        self.assertIn(b"--repair", done.stderr)
        self.run_it("check", "--repair")
        self.assertTrue(self.json("check")["ok"])
        self.index()
        self.assertEqual(len(self.list()), 5)

    def test_an_index_that_is_gone_is_made_anew(self):
        wanted = self.names(self.hits("rain"))
        for path in (self.dir / "lib").glob("*.index"):
            path.write_bytes(b"\0" * 100)
        self.assertEqual(self.names(self.hits("rain")), wanted)
        self.run_it("check", "--repair")
        self.assertTrue(self.json("check")["ok"])
        self.assertEqual(self.names(self.hits("rain")), wanted)

    def test_without_a_library_every_command_says_so(self):
        for args in (["search", "rain"], ["list"], ["show", "id:abcd"], ["stats"], ["check"], ["export"],
                     ["similar", "sounds/siren.wav"], ["remove", "id:abcd"], ["edit", "id:abcd", "a=b"], ["copy", "x"]):
            self.fails("-L", "nowhere", *args, status=1, says="nowhere")
        self.assertFalse((self.dir / "nowhere").exists())
        self.fails("-L", "http://127.0.0.1:1/x", "list", status=1, says="http://127.0.0.1:1/x")


class Transfer(Library):
    def setUp(self):
        super().setUp()
        tone(self.sounds / os.fsdecode(b"\xff.wav"), seconds=1, hertz=440)
        self.index("--tag", "mine")
        self.run_it("edit", "sounds/siren.wav", "title=Martinshorn", "tags=alarm")

    def sorted_list(self, *args):
        return sorted(self.rows("--json", "list", *args), key=lambda clip: clip["id"])

    def test_export_and_import_make_the_same_library(self):
        self.run_it("export", "--vectors", "-o", "all.jsonl")
        lines = (self.dir / "all.jsonl").read_text().splitlines()
        self.assertEqual(len(lines), 6)
        for line in map(json.loads, lines):
            self.assertLessEqual(CLIP | {"vectors"}, line.keys())
            self.assertEqual(line["vectors"][0].keys(), {"start", "end", "embedding"})
        report = self.json("import", "all.jsonl", "-L", "other")
        self.assertEqual((report["added"], report["failed"]), (6, 0))
        self.assertEqual(self.sorted_list("-L", "other"), self.sorted_list())
        self.assertEqual(self.json("import", "all.jsonl", "-L", "other")["unchanged"], 6)
        found = lambda *where: [(h["id"], h["score"]) for h in self.json("search", "rain", *where)["hits"]]
        self.assertEqual(found("-L", "other"), found())
        again = self.json("index", "sounds", "-L", "other")
        self.assertEqual((again["added"], again["unchanged"]), (0, 6))

    def test_import_names_bad_lines_and_takes_the_others(self):
        out = self.run_it("export", "--vectors").stdout.splitlines(keepends=True)
        (self.dir / "some.jsonl").write_bytes(out[0] + b"{broken\n" + out[1])
        done = self.run_it("import", "some.jsonl", "-L", "other", status=3)
        self.assertIn(b"some.jsonl:2: ", done.stderr)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        self.fails("import", "none.jsonl", "-L", "fourth", status=1, says="none.jsonl")
        self.assertFalse((self.dir / "fourth").exists())
        self.fails("import", status=2, says="one file")
        self.assertEqual(self.json("import", "-", "-L", "third", stdin=b"".join(out))["added"], 6)

    def test_edits_travel_without_vectors(self):
        self.run_it("copy", "other")
        self.run_it("edit", "sounds/weather/thunder.wav", "title=Donner")
        lines = self.run_it("export", "--filter", "title = Donner").stdout
        self.assertEqual(lines.count(b"\n"), 1)
        self.assertEqual(self.json("import", "-", "-L", "other", stdin=lines)["updated"], 1)
        self.assertEqual(self.json("show", "sounds/weather/thunder.wav", "-L", "other")["title"], "Donner")

    def test_csv_is_for_spreadsheets(self):
        out = self.run_it("export", "--format", "csv").stdout.decode(errors="surrogateescape")
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        self.assertEqual(len(rows), 6)
        self.assertIn("Martinshorn", [row["title"] for row in rows])
        self.fails("export", "--format", "csv", "--vectors", status=2, says="--vectors")

    def test_csv_is_read_back_as_a_table_of_labels(self):
        self.run_it("edit", "sounds/siren.wav", "mood=loud")
        (self.dir / "labels.csv").write_bytes(self.run_it("export", "--format", "csv").stdout)
        self.run_it("index", "sounds", "--meta", "labels.csv")
        untitled, = self.rows("--json", "list", "--filter", "name = DogBark_01.wav")
        self.assertEqual((untitled["title"], untitled["fields"]), ("DogBark_01", {}))
        self.json("-L", "other", "index", "-m", MODEL, "sounds", "--meta", "labels.csv")
        clip, = self.rows("--json", "-L", "other", "list", "--filter", "mood = loud")
        self.assertEqual((clip["title"], clip["tags"], clip["fields"]), ("Martinshorn", ["alarm"], {"title": "Martinshorn",
                                                                                                    "mood": "loud"}))

    def test_import_takes_numbers_and_refuses_times_that_cannot_be(self):
        line = json.loads(self.run_it("export", "--vectors", "--filter", "title = Martinshorn").stdout)
        del line["said"]
        line["fields"] = {"stars": 5, "loud": True}
        self.json("-L", "other", "import", "-", stdin=json.dumps(line).encode())
        clip, = self.rows("--json", "-L", "other", "list", "--filter", "stars > 4")
        self.assertEqual(clip["fields"], {"stars": "5", "loud": "true"})
        line["vectors"][-1]["end"] = 1e300
        done = self.run_it("-L", "third", "import", "-", status=1, stdin=json.dumps(line).encode())
        self.assertIn(b"no start and end", done.stderr)
        line["vectors"][-1]["end"], line["duration"] = 1, 1e300
        done = self.run_it("-L", "third", "import", "-", status=1, stdin=json.dumps(line).encode())
        self.assertIn(b'"duration": not a length', done.stderr)

    def test_copy_makes_the_same_library_and_goes_on(self):
        self.assertEqual(self.json("copy", "other")["added"], 6)
        self.assertEqual(self.sorted_list("-L", "other"), self.sorted_list())
        self.assertEqual(self.json("copy", "other"), {"added": 0, "updated": 0, "unchanged": 6, "failed": 0})
        self.assertTrue(self.json("check", "-L", "other")["ok"])
        self.fails("copy", "lib", status=2, says="itself")
        self.fails("copy", status=2, says="one library")

    def test_output_that_cannot_be_written_is_named(self):
        self.fails("export", "-o", "none/x", status=1, says="none/x")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([EARSHOT, "export", "--vectors"], stdout=full, stderr=subprocess.PIPE, cwd=self.dir,
                                  env=self.env, timeout=60)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1))
        self.assertIn(b"the disk is full", done.stderr)
        self.fails("export", "-o", "/dev/full", status=1, says="the disk is full")


class Help(Library):
    def test_every_command_explains_its_options(self):
        overview = self.run_it("--help").stdout.decode()
        for command in ("index", "search", "similar", "list", "show", "remove", "edit", "stats", "check", "export",
                        "import", "copy"):
            text = self.run_it("help", command).stdout.decode()
            self.assertIn(f"usage: earshot {command}", text)
            self.assertRegex(overview, rf"(?m)^  {command} ")
            for option in re.findall(r"--[a-z-]+", text.splitlines()[2]):
                self.assertRegex(text, rf"(?m)^  .*{option}\b.*  \S")


if __name__ == "__main__":
    main()
