#!/usr/bin/env python3
"""earshot index --watch: what changes below a folder is followed until Ctrl-C.

    test_watch.py EARSHOT      prints TAP. Needs Python's standard library only.

Nothing here sleeps for a fixed time: a condition is waited for, and fails when it has not come true by its deadline.
"""
import json
import os
import shutil
import signal
import subprocess
import time

from cli import EARSHOT, MODEL, Cli, main, tone

DEADLINE = 60


class Watch(Cli):
    def setUp(self):
        super().setUp()
        self.env["EARSHOT_LIBRARY"] = str(self.dir / "lib")
        self.sounds = self.dir / "sounds"
        self.sounds.mkdir()
        tone(self.sounds / "first.wav", hertz=200)
        self.watcher = None

    def watch(self, *args):
        """Starts to watch, and waits until it does: the first file is known and the run has settled."""
        self.watcher = subprocess.Popen([EARSHOT, "--json", "index", "-m", MODEL, "sounds", "--watch", *args],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.dir, env=self.env)
        self.addCleanup(self.watcher.communicate)
        self.addCleanup(self.watcher.kill)
        self.until(lambda: self.names() == {"first.wav"})

    def until(self, is_so):
        end = time.monotonic() + DEADLINE
        while not is_so():
            self.assertIsNone(self.watcher.poll(), "the watcher has left")
            self.assertLess(time.monotonic(), end, f"the library holds {self.names()}")
            time.sleep(0.05)

    def clips(self):
        done = subprocess.run([EARSHOT, "--json", "list"], capture_output=True, cwd=self.dir, env=self.env, timeout=60)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def names(self):
        return {os.path.relpath(path, self.sounds) for clip in self.clips() for path in clip["paths"]}

    def stop(self):
        """Ctrl-C. What the watcher reports."""
        self.watcher.send_signal(signal.SIGINT)
        out, err = self.watcher.communicate(timeout=DEADLINE)
        self.assertEqual(self.watcher.returncode, 130, err.decode())
        return json.loads(out)

    def test_new_files_are_found_and_ctrl_c_keeps_them(self):
        self.watch()
        tone(self.sounds / "second.wav", hertz=400)
        self.until(lambda: self.names() == {"first.wav", "second.wav"})
        report = self.stop()
        self.assertEqual((report["added"], report["failed"]), (2, []))
        self.assertEqual(self.names(), {"first.wav", "second.wav"})
        self.assertTrue(json.loads(self.run_it("--json", "check").stdout)["ok"])
        again = json.loads(self.run_it("--json", "index", "sounds").stdout)
        self.assertEqual((again["added"], again["unchanged"]), (0, 2))

    def test_a_file_that_is_still_written_is_taken_once_it_is_complete(self):
        self.watch()
        whole = tone(self.dir / "whole.wav", seconds=3, hertz=500).read_bytes()
        with open(self.sounds / "slow.wav", "wb") as out:
            for part in range(12):
                out.write(whole[part * len(whole) // 12:(part + 1) * len(whole) // 12])
                out.flush()
                time.sleep(0.15)  # the writer's own pace, shorter than the watcher waits
        self.until(lambda: "slow.wav" in self.names())
        slow, = (clip for clip in self.clips() if clip["path"].endswith("slow.wav"))
        self.assertAlmostEqual(slow["duration"], 3, places=2)
        report = self.stop()
        self.assertEqual((report["added"], report["changed"], report["failed"]), (2, 0, []))

    def test_a_file_that_is_rewritten_is_done_again(self):
        self.watch()
        before, = self.clips()
        tone(self.sounds / "first.wav", seconds=2, hertz=300)
        self.until(lambda: [clip["id"] for clip in self.clips()] != [before["id"]])
        now, = self.clips()
        self.assertAlmostEqual(now["duration"], 2, places=2)
        self.assertEqual(self.stop()["changed"], 1)

    def test_a_moved_file_stays_the_same_clip(self):
        self.watch("--prune")
        before, = self.clips()
        os.rename(self.sounds / "first.wav", self.sounds / "moved.wav")
        self.until(lambda: self.names() == {"moved.wav"})
        now, = self.clips()
        self.assertEqual((now["id"], now["added"]), (before["id"], before["added"]))
        report = self.stop()
        self.assertEqual((report["moved"], report["removed"]), (1, 0))

    def test_a_deleted_file_is_forgotten_with_prune(self):
        self.watch("--prune")
        tone(self.sounds / "second.wav", hertz=400)
        self.until(lambda: self.names() == {"first.wav", "second.wav"})
        (self.sounds / "first.wav").unlink()
        self.until(lambda: self.names() == {"second.wav"})
        self.assertEqual(self.stop()["removed"], 1)

    def test_a_deleted_file_is_kept_without_prune(self):
        self.watch()
        (self.sounds / "first.wav").unlink()
        later = [f"later{i}.wav" for i in range(4)]
        for i, name in enumerate(later):  # a second each: longer than what is gone has to be gone for
            tone(self.sounds / name, hertz=400 + 50 * i)
            self.until(lambda: name in self.names())
        self.assertEqual(self.names(), {"first.wav", *later})
        self.assertEqual(self.stop()["removed"], 0)

    def test_a_new_folder_is_followed_with_all_it_holds(self):
        self.watch("--prune")
        tone(self.dir / "made.wav", hertz=600)
        (self.dir / "made/deep").mkdir(parents=True)
        shutil.move(self.dir / "made.wav", self.dir / "made/deep/made.wav")
        (self.dir / "made/note.txt").write_text("no sound")
        os.rename(self.dir / "made", self.sounds / "made")
        self.until(lambda: "made/deep/made.wav" in self.names())
        tone(self.sounds / "made/deep/more.wav", hertz=700)
        self.until(lambda: "made/deep/more.wav" in self.names())
        shutil.rmtree(self.sounds / "made")
        self.until(lambda: self.names() == {"first.wav"})
        self.assertEqual(self.stop()["removed"], 2)

    def test_a_folder_that_is_made_anew_is_followed_as_well(self):
        self.watch("--prune")
        for name in "old", "new", "newest":
            (self.sounds / "made/deep").mkdir(parents=True)
            tone(self.sounds / "made/deep" / f"{name}.wav", hertz=300)
            self.until(lambda: self.names() == {"first.wav", f"made/deep/{name}.wav"})
            os.rename(self.sounds / "made", self.dir / name)
        self.stop()

    def test_a_file_that_fails_is_told_and_watching_goes_on(self):
        self.watch()
        (self.sounds / "bad.wav").write_text("this is no sound\n" * 100)
        tone(self.sounds / "good.wav", hertz=400)
        self.until(lambda: "good.wav" in self.names())
        self.until(lambda: self.run_it("--json", "list", "--failed").stdout)
        failed, = self.stop()["failed"]
        self.assertEqual(failed["path"], str(self.sounds / "bad.wav"))


if __name__ == "__main__":
    main()
