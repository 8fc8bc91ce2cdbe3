#!/usr/bin/env python3
"""earshot record: what a microphone hears, in a file, at its right pitch and length; and on into the library.

    test_record.py EARSHOT ALSA_TAPE      prints TAP. ALSA_TAPE is the plugin built of alsa_tape.c. Needs espeak-ng.

The microphones are ALSA devices that play a file (see alsa_tape.c): the whole way from ALSA through PortAudio is the
real one, and no hardware or service is needed. A device is found by its name in a configuration that each test writes.
"""
import array
import json
import math
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import time
import wave

from cli import EARSHOT, MODEL, Cli, main, tone

TAPE = os.path.abspath(sys.argv[2]) if len(sys.argv) > 2 else None
DEADLINE = 60
PITCH = 997
HEADER = 80  # bytes
GONE = "earshot: booth: no sound comes from it any more; is it still connected?"
LINES = 2    # on stderr of a recording that goes well: its start and its end


def sine(rate, seconds, channels=1, peak=16000):
    """A tone in the first channel; others are silent."""
    samples = array.array("h")
    for i in range(int(rate * seconds)):
        samples.append(round(peak * math.sin(2 * math.pi * PITCH * i / rate)))
        samples.extend([0] * (channels - 1))
    return samples


def read_wav(path):
    with wave.open(os.fspath(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2), file.getparams()
        return file.getframerate(), array.array("h", file.readframes(file.getnframes()))


def pitch_of(samples, rate):
    """Hertz, by the first and the last upward zero crossing and how many lie between."""
    ups = [i + a / (a - b) for i, (a, b) in enumerate(zip(samples, samples[1:])) if a < 0 <= b]
    return (len(ups) - 1) * rate / (ups[-1] - ups[0])


class Record(Cli):
    def setUp(self):
        super().setUp()
        self.env.update(EARSHOT_LIBRARY=str(self.dir / "lib"), ALSA_CONFIG_PATH=str(self.dir / "asound.conf"),
                        JACK_DEFAULT_SERVER="none-of-this-name", TZ="UTC")
        # dmix cannot be opened, but PortAudio takes it for granted that there is one.
        self.config = f'pcm_type.tape {{ lib "{TAPE}" }}\npcm.dmix {{ type tape file "" }}\n'
        self.write_config()
        self.out = self.dir / "out.wav"

    def write_config(self):
        (self.dir / "asound.conf").write_text(self.config)

    def device(self, name, samples, rate, channels=1, **more):
        """A microphone that hears these samples."""
        (self.dir / f"{name}.raw").write_bytes(samples.tobytes())
        rows = "".join(f" {key} {value}" for key, value in more.items())
        self.config += f'pcm.{name} {{ type tape file "{self.dir / name}.raw" rate {rate} channels {channels}{rows} }}\n'
        self.write_config()

    def booth(self, seconds=2, **more):
        """The usual one; its samples."""
        samples = sine(44100, seconds)
        self.device("booth", samples, 44100, **more)
        return samples

    def start(self, *args, **more):
        """A recording that goes on; returns once samples have been written."""
        run = subprocess.Popen([EARSHOT, *map(os.fspath, args)], cwd=self.dir, env=self.env,
                               **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more})
        self.addCleanup(run.communicate)
        self.addCleanup(run.kill)
        self.until(lambda: self.size() > HEADER, run)
        return run

    def size(self):
        return self.out.stat().st_size if self.out.exists() else 0

    def grows(self, run):
        """The recording goes on."""
        before = self.size()
        self.until(lambda: self.size() > before, run)

    def until(self, is_so, run):
        end = time.monotonic() + DEADLINE
        while not is_so():
            self.assertIsNone(run.poll(), "the recording has ended")
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)

    def ends(self, run, status=0):
        """What it wrote: stdout, lines of stderr."""
        out, err = run.communicate(timeout=DEADLINE)
        self.assertEqual(run.returncode, status, err)
        return out, (err or b"").decode().splitlines()

    def expect_beginning_of(self, samples, rate=44100):
        """The file holds what the device heard, from its start; no sample more or less than its header says."""
        recorded_rate, recorded = read_wav(self.out)
        self.assertEqual(recorded_rate, rate)
        self.assertGreater(len(recorded), 0)
        silence = array.array("h", [0] * max(0, len(recorded) - len(samples)))
        self.assertEqual(recorded, (samples + silence)[:len(recorded)])
        self.assertEqual(self.size(), HEADER + 2 * len(recorded))
        return recorded


class Sound(Record):
    def test_a_tone_has_its_pitch_and_the_length_asked_for(self):
        samples = self.booth()
        done = self.run_it("--json", "record", "out.wav", "--device", "booth", "--seconds", "1.5")
        recorded = self.expect_beginning_of(samples)
        self.assertEqual(len(recorded), 66150)
        self.assertAlmostEqual(pitch_of(recorded, 44100), PITCH, delta=0.05)
        told = json.loads(done.stdout)
        self.assertAlmostEqual(told.pop("peak_dbfs"), 20 * math.log10(max(map(abs, recorded)) / 32768), places=6)
        self.assertEqual(told, {"path": "out.wav", "seconds": 1.5, "rate": 44100, "channels": 1, "overruns": 0})

    def test_a_device_that_can_is_recorded_at_48000_hz(self):
        self.booth()
        self.config += 'pcm.any { type plug slave.pcm "booth" }\n'
        self.write_config()
        self.run_it("record", "out.wav", "--device", "any", "--seconds", "1")
        rate, recorded = read_wav(self.out)
        self.assertEqual((rate, len(recorded)), (48000, 48000))
        self.assertAlmostEqual(pitch_of(recorded, rate), PITCH, delta=0.5)

    def test_a_device_of_another_rate_is_recorded_at_its_own(self):
        for rate in 8000, 16000, 96000:
            samples = sine(rate, 1)
            self.device(f"at{rate}", samples, rate)
            self.run_it("record", "out.wav", "--device", f"at{rate}", "--seconds", "0.5")
            recorded = self.expect_beginning_of(samples, rate)
            self.assertEqual(len(recorded), rate // 2)
            self.assertAlmostEqual(pitch_of(recorded, rate), PITCH, delta=0.5)
            self.out.unlink()

    def test_of_two_channels_the_first_is_recorded(self):
        self.device("stereo", sine(48000, 1, channels=2), 48000, channels=2)
        self.run_it("record", "out.wav", "--device", "stereo", "--seconds", "0.5")
        self.expect_beginning_of(sine(48000, 1), 48000)

    def test_a_spoken_sentence_is_what_was_said(self):
        spoken = self.dir / "spoken.wav"
        subprocess.run(["espeak-ng", "-w", spoken, "The dog barks in the garden."], check=True)
        rate, samples = read_wav(spoken)
        self.device("said", samples, rate, speed=4)
        self.run_it("record", "out.wav", "--device", "said", "--seconds", str(len(samples) / rate))
        self.assertEqual(self.expect_beginning_of(samples, rate), samples)
        self.assertGreater(max(samples), 10000)

    def test_ffmpeg_reads_the_length_that_was_recorded(self):
        self.booth()
        self.run_it("record", "out.wav", "--device", "booth", "--seconds", "0.75")
        done = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=sample_rate,duration", "-of", "json",
                               self.out], capture_output=True, check=True)
        stream, = json.loads(done.stdout)["streams"]
        self.assertEqual((stream["sample_rate"], float(stream["duration"])), ("44100", 0.75))

    def test_silence_and_clipping_are_told(self):
        self.device("dead", array.array("h", []), 48000)
        done = self.run_it("--json", "record", "out.wav", "--device", "dead", "--seconds", "0.2")
        self.assertIsNone(json.loads(done.stdout)["peak_dbfs"])
        self.assertIn(b"nothing is heard on it", done.stderr)
        self.out.unlink()
        self.device("loud", array.array("h", [32767, -32768] * 4000), 48000)
        done = self.run_it("--json", "record", "out.wav", "--device", "loud", "--seconds", "0.1")
        self.assertEqual(json.loads(done.stdout)["peak_dbfs"], 0)
        self.assertIn(b"too loud in places", done.stderr)


class Ends(Record):
    def test_ctrl_c_and_sigterm_keep_the_file_and_are_a_normal_end(self):
        samples = self.booth()
        for number in signal.SIGINT, signal.SIGTERM:
            run = self.start("record", "out.wav", "--device", "booth")
            run.send_signal(number)
            out, err = self.ends(run)
            self.assertEqual((out, len(err)), (b"", LINES))
            self.expect_beginning_of(samples)
            self.out.unlink()

    def test_enter_on_a_terminal_ends_it(self):
        samples = self.booth()
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        run = self.start("record", "out.wav", "--device", "booth", stdin=slave, start_new_session=True)
        os.close(slave)
        self.grows(run)
        os.write(master, b"\n")
        self.ends(run)
        self.expect_beginning_of(samples)

    def test_a_line_through_a_pipe_ends_it(self):
        samples = self.booth()
        run = self.start("record", "out.wav", "--device", "booth", stdin=subprocess.PIPE)
        run.stdin.write(b"no end " * 100)
        run.stdin.flush()
        self.grows(run)
        run.stdin.write(b"\n")
        run.stdin.flush()
        self.ends(run)
        self.expect_beginning_of(samples)

    def test_the_end_of_stdin_ends_nothing(self):
        self.booth()
        for stdin in subprocess.DEVNULL, subprocess.PIPE:
            run = self.start("record", "out.wav", "--device", "booth", stdin=stdin)
            if run.stdin:
                run.stdin.close()
                run.stdin = None
            for _ in range(3):
                self.grows(run)
            run.send_signal(signal.SIGINT)
            self.ends(run)
            self.out.unlink()

    def test_lines_that_wait_for_somebody_else_are_left_to_them(self):
        self.booth()
        for name in "one.wav", "two.wav":
            tone(self.dir / name)
        done = subprocess.run(["sh", "-c", 'printf "%s\\n" a b | while read -r name; do '
                               '"$0" record "$name.wav" --device booth --seconds 0.3; done', EARSHOT],
                              cwd=self.dir, env=self.env, capture_output=True, timeout=DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in "a.wav", "b.wav":
            self.assertEqual(len(read_wav(self.dir / name)[1]), 13230)

    def test_a_file_whose_recording_was_killed_is_whole(self):
        samples = self.booth()
        run = self.start("record", "out.wav", "--device", "booth")
        self.grows(run)
        run.kill()
        run.wait()
        rate, recorded = read_wav(self.out)
        self.assertEqual((rate, recorded), (44100, samples[:len(recorded)]))
        self.assertGreater(len(recorded), 1000)

    def test_a_device_that_goes_is_told_and_what_it_gave_is_kept(self):
        samples = self.booth(gone_after=500)
        done = self.run_it("record", "out.wav", "--device", "booth", "--then", "index", status=1)
        err = done.stderr.decode().splitlines()
        self.assertEqual((len(err), err[-1]), (LINES + 1, GONE))
        self.expect_beginning_of(samples)
        self.assertFalse((self.dir / "lib").exists())

    def test_ctrl_c_ends_it_when_the_device_is_gone_as_well(self):
        self.booth(gone_after=200)
        run = self.start("record", "out.wav", "--device", "booth")
        time.sleep(0.4)  # the device's own time
        run.send_signal(signal.SIGINT)
        _, err = self.ends(run, status=1)
        self.assertEqual(err[-1], GONE)

    def test_what_was_lost_is_counted_and_told(self):
        self.booth(hasty=1)
        run = self.start("--json", "record", "out.wav", "--device", "booth")
        run.send_signal(signal.SIGSTOP)
        time.sleep(1.5)  # the device's own time: longer than its buffer
        run.send_signal(signal.SIGCONT)
        self.grows(run)
        run.send_signal(signal.SIGINT)
        out, err = self.ends(run)
        self.assertGreater(json.loads(out)["overruns"], 0)
        self.assertIn("samples were lost", err[-1])


class Files(Record):
    def test_without_a_name_the_file_has_date_and_time(self):
        self.booth()
        before = time.time()
        done = self.run_it("--json", "record", "--seconds", "0.2")
        name = json.loads(done.stdout)["path"]
        made = time.strptime(name, "recording-%Y-%m-%d-%H%M%S.wav")
        self.assertLess(abs(before - time.mktime((*made[:8], 0)) + time.timezone), DEADLINE + 86400)
        self.assertIn(name.encode(), done.stderr)
        self.assertEqual(len(read_wav(self.dir / name)[1]), 8820)

    def test_two_in_one_second_are_two_files(self):
        self.booth()
        names = {json.loads(self.run_it("--json", "record", "--seconds", "0.01").stdout)["path"] for _ in range(8)}
        self.assertEqual(len(names), 8)

    def test_a_file_that_is_there_is_not_overwritten(self):
        self.booth()
        self.out.write_bytes(b"mine")
        self.fails("record", "out.wav", "--seconds", "0.1", status=1, says="out.wav: is already there")
        self.assertEqual(self.out.read_bytes(), b"mine")

    def test_a_folder_that_is_not_there_is_one_line(self):
        self.booth()
        self.fails("record", "none/out.wav", "--seconds", "0.1", status=1, says="none/out.wav: there is no such folder")

    def test_a_name_that_is_not_of_a_wav_file_is_one_line(self):
        self.booth()
        self.fails("record", "out.mp3", status=2, says="its name ends in .wav")
        self.fails("record", "-", status=2, says="its name ends in .wav")
        self.assertEqual(list(self.dir.glob("out.*")), [])

    def test_a_full_disk_ends_it_with_what_fitted(self):
        samples = self.booth()
        most = 40000
        run = subprocess.Popen([EARSHOT, "record", "out.wav", "--device", "booth"], cwd=self.dir, env=self.env,
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
        out, err = self.ends(run, status=1)
        self.assertEqual(len(err), LINES + 1)
        self.assertTrue(err[-1].startswith("earshot: out.wav: "), err)
        self.assertLessEqual(self.size(), most)
        self.expect_beginning_of(samples)


class Devices(Record):
    def two(self):
        self.booth()
        self.device("default", sine(48000, 1, channels=2), 48000, channels=2)

    def test_devices_are_listed_with_the_default_marked(self):
        self.two()
        done = self.run_it("--json", "record", "--list-devices")
        self.assertEqual(json.loads(done.stdout)["devices"], [
            {"number": 0, "name": "booth", "api": "ALSA", "channels": 1, "rate": 44100, "default": False},
            {"number": 1, "name": "default", "api": "ALSA", "channels": 2, "rate": 48000, "default": True}])
        table = self.run_it("record", "--list-devices").stdout.decode().splitlines()
        self.assertEqual([line.split() for line in table], [
            ["0", "booth", "44100", "Hz", "1", "channel", "ALSA"],
            ["1", "default", "default", "48000", "Hz", "2", "channels", "ALSA"]])
        self.assertEqual(done.stderr, b"")

    def rate_of(self, *args):
        self.run_it("record", "out.wav", "--seconds", "0.1", *args)
        rate, _ = read_wav(self.out)
        self.out.unlink()
        return rate

    def test_a_device_is_chosen_by_number_name_or_a_part_of_it(self):
        self.two()
        self.assertEqual(self.rate_of(), 48000)
        for named in "0", "booth", "BOO":
            self.assertEqual(self.rate_of("--device", named), 44100)

    def test_a_whole_name_counts_before_a_part_of_another(self):
        self.booth()
        self.device("booth2", sine(48000, 1), 48000)
        self.assertEqual(self.rate_of("--device", "booth"), 44100)
        self.fails("record", "out.wav", "--device", "boo", status=1, says='boo: fits more than one device ("booth", "booth2")')

    def test_a_device_that_is_not_there_is_one_line(self):
        self.two()
        self.fails("record", "out.wav", "--device", "studio", status=1, says="studio: no device that records is called so")
        self.fails("record", "out.wav", "--device", "2", status=1, says="device 2: there is none of this number")
        self.fails("record", "out.wav", "--device", "", status=1, says="fits more than one device")
        self.assertFalse(self.out.exists())

    def test_no_device_at_all_is_one_line_with_the_way_out(self):
        self.fails("record", "out.wav", status=1, says="no microphone: no device here records; connect one")
        done = self.run_it("--json", "record", "--list-devices")
        self.assertEqual(json.loads(done.stdout), {"devices": []})
        self.assertFalse(self.out.exists())

    def test_quiet_says_nothing(self):
        self.booth()
        done = self.run_it("-q", "record", "out.wav", "--seconds", "0.1")
        self.assertEqual((done.stdout, done.stderr), (b"", b""))


class Terminal(Record):
    def test_the_level_is_drawn_on_a_terminal_and_cleared(self):
        self.booth()
        master, slave = pty.openpty()
        run = self.start("record", "out.wav", "--seconds", "0.7", stderr=slave)
        os.close(slave)
        text = b""
        try:
            while select.select([master], [], [], DEADLINE)[0] and (block := os.read(master, 65536)):
                text += block
        except OSError:
            pass  # the other end is closed
        os.close(master)
        self.assertEqual(run.wait(DEADLINE), 0)
        drawn = text.decode().split("\r\x1b[K")
        self.assertGreater(len(drawn), 3)
        self.assertRegex(drawn[2], r"^recording 0:00 \[#{27}\.{3}\]  -6\.2 dBFS, at most -6\.2$")
        self.assertRegex(drawn[-1], r"^earshot: out.wav: 0.7 s recorded, at most -6.2 dBFS\r\n$")


class Then(Record):
    def setUp(self):
        super().setUp()
        self.booth()

    def index(self, *args):
        sounds = self.dir / "sounds"
        sounds.mkdir()
        for name, hertz in {"low.wav": 110, "tone.wav": PITCH, "high.wav": 6000}.items():
            tone(sounds / name, hertz=hertz)
        self.run_it("index", "-m", MODEL, sounds, *args)

    def record(self, *args, **more):
        return self.run_it("record", "out.wav", "--seconds", "1", *args, **more)

    def test_then_index_makes_it_findable(self):
        self.record("-m", MODEL, "--then", "index", "--tag", "booth", "--tag", "a test")
        clip, = self.rows("--json", "list")
        self.assertEqual((clip["path"], sorted(clip["tags"]), clip["duration"]), (str(self.out), ["a test", "booth"], 1))
        hit, = json.loads(self.run_it("--json", "search", "./out.wav").stdout)["hits"]
        self.assertGreater(hit["cosine"], 0.999)

    def test_then_search_searches_with_it(self):
        self.index()
        found = self.record("--then", "search", "--json").stdout.decode()
        recorded, end = json.JSONDecoder().raw_decode(found)
        hits = json.loads(found[end:])["hits"]
        self.assertEqual(recorded["path"], "out.wav")
        self.assertEqual(os.path.basename(hits[0]["path"]), "tone.wav")
        self.assertEqual(len(hits), 3)

    def test_then_classify_names_it_with_labels(self):
        done = self.record("-m", MODEL, "--then", "classify", "--labels", "dog,rain")
        self.assertIn(b"dog", done.stdout)
        self.assertIn(b"rain", done.stdout)

    def test_then_classify_names_it_by_the_tags_of_the_library(self):
        self.index()
        for name in "low", "tone", "high":
            self.run_it("edit", self.dir / f"sounds/{name}.wav", f"tags={name}")
        done = self.record("--then", "classify")
        self.assertIn(b"tone", done.stdout)

    def test_ctrl_c_ends_the_recording_and_not_what_comes_then(self):
        run = self.start("record", "out.wav", "-m", MODEL, "--then", "index")
        run.send_signal(signal.SIGINT)
        self.ends(run)
        clip, = self.rows("--json", "list")
        self.assertEqual(clip["path"], str(self.out))

    def test_what_cannot_come_then_is_told_before_a_sample_is_recorded(self):
        self.fails("record", "out.wav", "--then", "search", status=1, says="lib")
        self.fails("record", "out.wav", "--then", "classify", status=1, says="lib")
        self.fails("record", "out.wav", "-m", "no/model", "--then", "index", status=1, says="no/model")
        self.fails("record", "out.wav", "--tag", "a", status=2, says="--tag goes with --then index")
        self.fails("record", "out.wav", "--labels", "a", status=2, says="--labels go with --then classify")
        self.fails("record", "out.wav", "--then", "play", status=2, says="index|search|classify")
        self.index()
        self.fails("record", "out.wav", "--then", "classify", status=2, says="no clip in it has a tag")
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    main()
