#!/usr/bin/env python3
"""kill -9 at random instants of every command that changes a library: it opens, has no half clip, has lost nothing that
was finished, is found in, and the same command again comes to where an undisturbed one comes to.

    test_kills.py EARSHOT [--long]      prints TAP. 27 kills; 324 with --long. Needs Python's standard library only.

Half of the kills come after a random time, half after a random number of changes that were seen in the library's folder.
"""
import os
import shutil
import signal
import subprocess
import time

from proof import EARSHOT, LONG, MODEL, Proof, prove, say

KILLS = 36 if LONG else 3  # of each command
TRIES = 20 * KILLS
NOTHING = ("there is no library", "is empty", "is half made; the next index makes all of it")  # a library whose making was killed before it was one


def look(folder):
    """What a folder's files look like; another answer is a change."""
    try:
        with os.scandir(folder) as entries:
            return sorted((e.name, e.stat().st_size, e.stat().st_mtime_ns) for e in entries)
    except FileNotFoundError:
        return None


class Kills(Proof):
    def setUp(self):
        super().setUp()
        self.folder_of_sounds(14)
        shutil.copy(next(self.sounds.rglob("*.wav")), self.sounds / "the same again.wav")
        (self.sounds / "bad.wav").write_text("this is no sound\n" * 100)
        self.base = self.dir / "base"
        self.work = self.dir / "work"

    # -- the library before --

    def make_base(self):
        self.run_it("index", "-q", "-L", self.base, "-m", MODEL, self.sounds, "--tag", "old", status=3)
        self.run_it("edit", "-L", self.base, self.sounds / "the same again.wav", "title=A wind", "mood=calm")

    def lay_out(self):
        shutil.rmtree(self.work, ignore_errors=True)
        if self.base.exists():
            shutil.copytree(self.base, self.work)

    # -- killing --

    def start(self, command):
        return subprocess.Popen([EARSHOT, *map(os.fspath, command)], cwd=self.dir, env=self.env,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def watched(self, run, most=None):
        """Waits for so many changes in the library's folder, or for the end; how many there were."""
        count, seen = 0, look(self.work)
        while run.poll() is None and count != most:
            now = look(self.work)
            count += now != seen
            seen = now
        return count

    def finish(self, run):
        _, said = run.communicate(timeout=120)
        return run.returncode, said

    def kill(self, command, seconds, changes, readable):
        """Returns what a reader saw before, and whether the command was still running then."""
        seen = set()
        with self.start(command) as run:
            if self.random.random() < 0.5:
                self.watched(run, self.random.randint(1, max(changes, 1)))
            else:
                time.sleep(self.random.uniform(0, seconds))
            if readable and self.random.random() < 0.3:
                seen = self.seen()
                time.sleep(self.random.uniform(0, seconds / 5))
            run.kill()
            self.finish(run)
        return seen, run.returncode == -signal.SIGKILL

    def seen(self):
        """Ids that another process reads while the command is running."""
        return set(self.clips_or_none())

    # -- what must hold --

    def clips_or_none(self):
        done = subprocess.run([EARSHOT, "list", "-L", self.work], capture_output=True, cwd=self.dir, env=self.env,
                              timeout=60)
        said = done.stderr.decode(errors="replace")
        if done.returncode == 1 and not self.base.exists() and said.rstrip("\n").endswith(NOTHING):
            return {}
        self.assertEqual(done.returncode, 0, said)
        return {line.split()[0].decode() for line in done.stdout.splitlines()}

    def nothing_is_half(self, now, before, after):
        """Each clip is as it was or as it comes to be; of several paths some may be new already."""
        for id, clip in now.items():
            sides = [side[id] for side in (before, after) if id in side]
            self.assertTrue(any(clip.body == side.body for side in sides), f"{clip}, not one of {sides}")
            paths = {path: stamp for side in sides for path, stamp in side.paths.items()}
            self.assertLessEqual(clip.paths.items(), paths.items())
            self.assertTrue(clip.paths)
            if id in before:
                self.assertEqual(clip.added, before[id].added)
        self.assertLessEqual(before.keys() & after.keys(), now.keys())
        where = [path for clip in now.values() for path in clip.paths]
        self.assertEqual(len(where), len(set(where)))
        paths_of = lambda clips: {path for clip in clips.values() for path in clip.paths}
        self.assertLessEqual(paths_of(before) & paths_of(after), set(where))

    def nothing_is_left_behind(self, wanted):
        """But for SQLite's log, which readers leave, and a damaged database, which is kept."""
        kinds = lambda names: sorted(name.split("-")[0] if name.endswith(".index") else name for name in names
                                     if not name.endswith(("-wal", "-shm")) and ".damaged" not in name)
        self.assertEqual(kinds(os.listdir(self.work)), kinds(wanted))

    def prove(self, command, statuses=(0,), again=None, readable=True, whole=True):
        """statuses: how the command may end; again: how when it is run again; readable, whole: the library before."""
        before = self.clips(self.base) if readable and self.base.exists() else {}
        self.lay_out()
        began = time.monotonic()
        with self.start(command) as run:
            changes = self.watched(run)
            status, said = self.finish(run)
        seconds = time.monotonic() - began
        self.assertIn(status, statuses, said)
        after, failed, names = self.sound_library(self.work), self.failures(self.work), os.listdir(self.work)
        kills = 0
        for _ in range(TRIES):
            if kills == KILLS:
                break
            self.lay_out()
            seen, killed = self.kill(command, seconds, changes, readable)
            kills += killed
            if readable:
                there = self.clips_or_none()
                now = self.sound_library(self.work, check=whole) if there else {}
                self.assertEqual(now.keys(), set(there))
                self.assertLessEqual(seen & after.keys(), now.keys())
                self.nothing_is_half(now, before, after)
                if not killed:
                    self.assertEqual(now, after)
            status, said = self.finish(self.start(command))
            self.assertIn(status, again or statuses, said)
            self.assertEqual(self.sound_library(self.work), after)
            self.assertEqual(self.failures(self.work), failed)
            self.nothing_is_left_behind(names)
        self.assertEqual(kills, KILLS)
        say(f"{self.id().removeprefix('__main__.')}: {kills} kills, {changes} changes in {seconds:.2f} s undisturbed")

    # -- the commands --

    def test_index_into_nothing(self):
        self.prove(["index", "-q", "-L", self.work, "-m", MODEL, self.sounds, "--tag", "new"], statuses=(3,), again=(0, 3))

    def test_index_of_new_changed_and_moved_files(self):
        self.make_base()
        self.folder_of_sounds(14, first=100)
        files = sorted(self.sounds.rglob("*_*.wav"))
        for path in self.random.sample(files, 4):
            path.rename(path.with_name("moved " + path.name))
        for path in self.random.sample(sorted(self.sounds.rglob("[dwnrb]*_0*.wav")), 4):
            self.sound(path.relative_to(self.sounds))
        self.prove(["index", "-q", "-L", self.work, self.sounds, "--tag", "new"], again=(0,))

    def test_index_prune(self):
        self.make_base()
        for path in self.random.sample(sorted(self.sounds.rglob("*_*.wav")), 8):
            path.unlink()
        self.prove(["index", "-q", "-L", self.work, "--prune", self.sounds])

    def test_edit(self):
        self.make_base()
        path = next(self.sounds.rglob("*_*.wav"))
        self.prove(["edit", "-L", self.work, path, "title=A bell in the wind", "tags=bell,night", "mood="])

    def test_remove(self):
        self.make_base()
        paths = sorted(self.sounds.rglob("*_*.wav"))
        self.prove(["remove", "-L", self.work, *self.random.sample(paths, 8)], again=(0, 1, 3))

    def test_check_repair_of_lost_indexes(self):
        self.make_base()
        for path in self.base.glob("*.index"):
            path.write_bytes(b"\0" * 1000)
        self.prove(["check", "--repair", "-L", self.work], whole=False)

    def test_check_repair_of_a_damaged_database(self):
        self.make_base()
        database = self.base / "library.db"
        data = bytearray(database.read_bytes())
        first = data.index(b"calm") // 4096 * 4096  # a page that holds something
        data[first:first + 64] = b"\xa5" * 64
        database.write_bytes(data)
        self.prove(["check", "--repair", "-L", self.work], readable=False)

    def test_import(self):
        self.make_base()
        self.run_it("export", "--vectors", "-L", self.base, "-o", "all.jsonl")
        shutil.rmtree(self.base)
        self.prove(["import", "-q", "-L", self.work, "all.jsonl"])

    def test_copy(self):
        self.make_base()
        self.base = self.base.rename(self.dir / "from")
        source, self.base = self.base, self.dir / "none"
        self.prove(["copy", "-q", "-L", source, self.work])


if __name__ == "__main__":
    prove()
