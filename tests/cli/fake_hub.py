"""A Hugging Face hub on loopback for tests of `earshot model pull`: serves ROOT/OWNER/NAME/FILE.

    fake_hub.py ROOT [faults]        prints "http://127.0.0.1:PORT" and serves until it is ended

Answers the listing (GET /api/models/OWNER/NAME/revision/REV?blobs=true), the files (GET
/OWNER/NAME/resolve/COMMIT/FILE, those beyond 1 kB by a redirect to /cdn/...), ranges and If-Range.
The commit is a hash over the files, so that a change of them is a new commit. Every request is a
line of --log: method, target, Range, Authorization, separated by tabs, "-" where there is none.
"""
import argparse
import functools
import hashlib
import http.server
import json
import pathlib
import re
import sys
import urllib.parse

LARGE = 1000  # bytes from which a file lies in large storage, behind a redirect


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("root", type=pathlib.Path)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--log", type=pathlib.Path)
    p.add_argument("--token", help="ask for this bearer token; 401 without it")
    p.add_argument("--cut-after", type=int, metavar="BYTES",
                   help="close each answer with a file after so many bytes of it")
    p.add_argument("--cuts", type=int, default=-1, metavar="N", help="cut only the first N answers")
    p.add_argument("--hold", action="store_true",
                   help="where it would cut, keep silent until the client goes: a moment to kill it")
    p.add_argument("--wrong-hash", metavar="FILE", help="list this file with another hash")
    p.add_argument("--corrupt", metavar="FILE", help="send this file with its last byte changed")
    p.add_argument("--status", type=int, help="answer everything with this status")
    p.add_argument("--fail-first", type=int, default=0, metavar="N",
                   help="answer the first N requests with 503 and Retry-After: 1")
    p.add_argument("--garbage", action="store_true", help="the listing is no JSON")
    p.add_argument("--extra-name", action="append", default=[], help="list a file of this name, too")
    p.add_argument("--no-ranges", action="store_true")
    return p.parse_args()


@functools.lru_cache
def hashes_of(path, _mtime_ns):
    data = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return blob, hashlib.sha256(data).hexdigest()


def hashes(path):
    return hashes_of(path, path.stat().st_mtime_ns)


class Hub(http.server.BaseHTTPRequestHandler):
    options = None
    requests = 0
    cuts = 0

    def log_message(self, *_):
        pass

    def do_GET(self):
        Hub.requests += 1
        self.note()
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        listing = re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/.+)?", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/([^/]+)", path)
        stored = re.fullmatch(r"/cdn/([^/]+/[^/]+)/([^/]+)", path)
        if self.options.status:
            self.answer(self.options.status, b"no")
        elif Hub.requests <= self.options.fail_first:
            self.answer(503, b"busy", {"Retry-After": "1"})
        elif stored:
            self.send_file(*stored.groups())
        elif self.options.token and self.headers["Authorization"] != f"Bearer {self.options.token}":
            self.answer(401, b"who are you?")
        elif listing:
            self.list_files(listing[1])
        elif file:
            self.resolve(*file.groups())
        else:
            self.answer(404, b"no such page")

    def note(self):
        if self.options.log:
            fields = [self.command, self.path, self.headers["Range"], self.headers["Authorization"]]
            with self.options.log.open("a") as log:
                print(*[field or "-" for field in fields], sep="\t", file=log)

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def files(self, repo):
        folder = self.options.root / repo
        return sorted(p for p in folder.iterdir() if p.is_file()) if folder.is_dir() else []

    def commit(self, repo):
        whole = hashlib.sha1()
        for path in self.files(repo):
            whole.update(f"{path.name} {hashes(path)[0]}\n".encode())
        return whole.hexdigest()

    def entry(self, path):
        size = path.stat().st_size
        blob, sha256 = hashes(path)
        large = size > LARGE
        if path.name == self.options.wrong_hash:
            blob, sha256 = "0" * 40, "0" * 64
        entry = {"rfilename": path.name, "size": size, "blobId": blob}
        if large:
            entry["lfs"] = {"sha256": sha256, "size": size, "pointerSize": 134}
        return entry

    def list_files(self, repo):
        siblings = [self.entry(path) for path in self.files(repo)]
        if not siblings:
            return self.answer(404, b'{"error":"Repository not found"}')
        for name in self.options.extra_name:
            siblings.append({"rfilename": name, "size": 1, "blobId": "0" * 40})
        answer = {"id": repo, "sha": self.commit(repo), "siblings": siblings}
        body = b"<html>maintenance" if self.options.garbage else json.dumps(answer).encode()
        return self.answer(200, body, {"Content-Type": "application/json"})

    def resolve(self, repo, commit, name):
        path = self.options.root / repo / name
        if commit != self.commit(repo) or not path.is_file():
            self.answer(404, b"Entry not found")
        elif path.stat().st_size > LARGE:
            self.answer(302, b"", {"Location": f"/cdn/{repo}/{name}?signature=1"})
        else:
            self.send_file(repo, name)

    def send_file(self, repo, name):
        path = self.options.root / repo / name
        if not path.is_file():
            return self.answer(404, b"no such file")
        data = path.read_bytes()
        etag = f'"{hashes(path)[1]}"'
        if name == self.options.corrupt:
            data = data[:-1] + bytes([data[-1] ^ 1])
        first = self.first_byte(etag)
        if 0 < len(data) <= first:
            return self.answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
        self.send_response(206 if first else 200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(data) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        return self.send_body(data[first:])

    def first_byte(self, etag):
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers["Range"] or "")
        stale = self.headers["If-Range"] not in (None, etag)
        return int(asked[1]) if asked and not stale and not self.options.no_ranges else 0

    def send_body(self, data):
        most = self.options.cut_after
        cut = most is not None and len(data) > most and Hub.cuts != self.options.cuts
        self.wfile.write(data[:most] if cut else data)
        if not cut:
            return
        Hub.cuts += 1
        self.close_connection = True
        if self.options.hold:
            self.wfile.flush()
            self.rfile.read()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away is what some tests are about."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    Hub.options = arguments()
    server = Server(("127.0.0.1", Hub.options.port), Hub)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


main()
