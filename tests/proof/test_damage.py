#!/usr/bin/env python3
"""Damaged bytes in a library's files: what is then read is right or an error, never a crash, never a hang; check tells, and
check --repair restores what can be, so that the next index has all of it again.

    test_damage.py EARSHOT [--long]      prints TAP. Needs Python's standard library only.
"""
import json
import os
import shutil
import subprocess

from proof import EARSHOT, LONG, MODEL, QUERY, Proof, prove, say

ROUNDS = 300 if LONG else 12
PAGE = 4096
READING = (["list", "--json"], ["export", "--vectors"], ["search", "--mode", "bm25", "--json", "rain wind"],
           ["search", "--mode", "vector", "--json", QUERY], ["search", "--mode", "vector", "--exact", "--json", QUERY],
           ["search", "--json", "--windows", QUERY], ["list", "--failed"])


class Damage(Proof):
    def setUp(self):
        super().setUp()
        self.folder_of_sounds(14)
        self.whole = self.dir / "whole"
        self.library = self.dir / "library"
        (self.sounds / "bad.wav").write_text("this is no sound\n" * 100)
        self.run_it("index", "-q", "-L", self.whole, "-m", MODEL, self.sounds, "--tag", "old", status=3)
        self.path = next(self.sounds.rglob("*_*.wav"))
        self.run_it("edit", "-L", self.whole, self.path, "title=A wind", "mood=calm")
        self.clips_before = self.sound_library(self.whole)
        self.lay_out()
        self.reading = (*READING, ["show", "--json", self.path])
        self.answers = [self.answer(args) for args in self.reading]

    def lay_out(self):
        shutil.rmtree(self.library, ignore_errors=True)
        shutil.copytree(self.whole, self.library)

    # -- damage --

    def damage(self, data):
        """The bytes otherwise, and how so; at least one of them is another one."""
        r, size = self.random, len(data)
        at, kind = r.randrange(size), r.choice(("bits", "bytes", "zeros", "page", "cut", "tail"))
        wrong = bytearray(data)
        if kind == "bits":
            for _ in range(r.randint(1, 8)):
                wrong[r.randrange(size)] ^= 1 << r.randrange(8)
        elif kind == "bytes":
            wrong[at:at + 64] = r.randbytes(len(wrong[at:at + 64]))
        elif kind == "zeros":
            wrong[at // 512 * 512:at // 512 * 512 + 512] = bytes(len(wrong[at // 512 * 512:at // 512 * 512 + 512]))
        elif kind == "page":
            other = r.randrange(size // PAGE) * PAGE
            wrong[at // PAGE * PAGE:at // PAGE * PAGE + PAGE] = wrong[other:other + PAGE]
        elif kind == "cut":
            del wrong[at:]
        else:
            wrong += r.randbytes(r.randint(1, 2 * PAGE))
        return (wrong, f"{kind} at {at}") if wrong != data else self.damage(data)

    # -- reading --

    def start(self, *args):
        done = subprocess.run([EARSHOT, *map(os.fspath, args), "-L", os.fspath(self.library)], capture_output=True,
                              cwd=self.dir, env=self.env, timeout=60)
        said = done.stderr.decode(errors="replace")
        self.assertIn(done.returncode, (0, 1, 3), f"{args}: {said}")
        self.assertTrue(all(line.startswith("earshot: ") for line in said.splitlines()), f"{args}: {said}")
        return done

    def answer(self, args):
        """What was read, without the time that it took; None where it is an error of one line."""
        done = self.start(*args)
        if done.returncode:
            text = done.stderr.decode(errors="replace")
            self.assertEqual((text.count("\n"), text[:9]), (1, "earshot: "), text)
            return None
        return b"\n".join(line for line in done.stdout.splitlines() if b'"seconds":' not in line)

    def answers_are_right(self, how, errors):
        """How many are errors, where those are allowed."""
        count = 0
        for args, wanted in zip(self.reading, self.answers):
            got = self.answer(args)
            count += got is None
            if got is not None or not errors:
                self.assertEqual(got, wanted, f"{how}: {args}")
        return count

    def is_found_out(self):
        done = self.start("check", "--json")
        return done.returncode == 1 and not (done.stdout and json.loads(done.stdout)["ok"])

    # -- what is left --

    def nothing_is_made_up(self, now):
        """A clip that is left has its windows, or none and maybe another id, and waits to be made anew; of no path was
        more said than before, wrong letters from spoiled pages aside."""
        whole_at = {path: whole for whole in self.clips_before.values() for path in whole.paths}
        for id, clip in now.items():
            for whole in (whole_at[path] for path in clip.paths):
                self.assertTrue(id == whole.body["id"] or not clip.vectors)
                self.assertIn(clip.vectors, (whole.vectors, []))
                self.assertLessEqual(len(clip.body["said"]), len(whole.body["said"]))

    def all_is_there_again(self, now):
        self.assertEqual(now.keys(), self.clips_before.keys())
        for id, clip in now.items():
            whole = self.clips_before[id]
            self.assertEqual((clip.vectors, clip.paths), (whole.vectors, whole.paths))

    # -- the files --

    def test_index_files_are_never_believed(self):
        """They are derived: whatever happens to them, every answer is right."""
        path, = self.library.glob("*.index")
        data, found = path.read_bytes(), 0
        for _ in range(ROUNDS):
            self.lay_out()
            wrong, how = self.damage(data)
            path.write_bytes(wrong)
            found += self.is_found_out()
            path.write_bytes(wrong)
            self.answers_are_right(how, errors=False)
            path.write_bytes(wrong)
            self.start("check", "--repair")
            self.assertEqual(self.sound_library(self.library), self.clips_before, how)
        self.assertGreater(found, 0)
        say(f"index files: {ROUNDS} times damaged, {found} times found out before anything was searched for")

    def test_a_damaged_database_is_told_or_read_right(self):
        database = self.library / "library.db"
        data, errors, found = (self.whole / "library.db").read_bytes(), 0, 0
        for _ in range(ROUNDS):
            self.lay_out()
            wrong, how = self.damage(data)
            database.write_bytes(wrong)
            wrong_answers = self.answers_are_right(how, errors=True)
            errors += wrong_answers
            if wrong_answers:
                self.assertTrue(self.is_found_out(), how)
            found += self.is_found_out()
        self.assertGreater(errors, 0)
        say(f"database: {ROUNDS} times damaged, {errors} of {ROUNDS * len(self.reading)} answers were errors, "
            f"{found} times found out by check")

    def test_repair_restores_what_can_be_and_index_the_rest(self):
        database = self.library / "library.db"
        data, left, lost = (self.whole / "library.db").read_bytes(), 0, 0
        for _ in range(ROUNDS):
            self.lay_out()
            wrong, how = self.damage(data)
            database.write_bytes(wrong)
            done = self.start("check", "--repair")
            if done.returncode:  # nothing can be read from it: it stays as it is
                self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
                self.assertEqual(database.read_bytes(), wrong, how)
                lost += 1
                continue
            self.check(self.library)
            now = self.clips(self.library)
            self.nothing_is_made_up(now)
            left += len(now)
            self.start("index", "-q", "-m", MODEL, self.sounds)
            self.all_is_there_again(self.sound_library(self.library))
        self.assertGreater(left, 0)
        say(f"repair: {left} of {ROUNDS * len(self.clips_before)} clips were left; {lost} times nothing could be read")


if __name__ == "__main__":
    prove()
