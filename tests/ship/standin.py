"""A local stand-in of the Hub's API: what huggingface_hub calls to make, fill, list and download a repository."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_right"
OWNER = "me"
LARGE = ".safetensors"


@dataclass
class Repo:
    """A repository's branches, each with its files and the number of its commits."""

    private: bool
    branches: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {".gitattributes": b"x"}})
    commits: list[str] = field(default_factory=list)
    ignored: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, bytes]:
        return self.branches["main"]

    @property
    def sha(self) -> str:
        return hashlib.sha1(str(len(self.commits)).encode()).hexdigest()


@dataclass
class Hub:
    """What the server holds, and what it was asked."""

    url: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    """Large files that were sent, by their sha256; a commit may come later."""
    received: list[tuple[str, int]] = field(default_factory=list)
    """Every request that sent content, with its number of bytes."""
    asked: list[str] = field(default_factory=list)
    dies_after: int | None = None
    """Large files that are taken; afterwards every upload is answered by `dies_with`."""
    dies_with: int | None = 500
    """A status; None: the connection is cut."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def writes(self) -> list[str]:
        return [line for line in self.asked if not line.startswith(("GET", "HEAD"))]


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._handle()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked.append(f"{self.command} {path}")
        if path.startswith("upload/"):
            return self._take(path.removeprefix("upload/"), body)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._refuse(401, "Invalid credentials in Authorization header")
        match path:
            case "api/validate-yaml":
                return self._answer({"errors": [], "warnings": []})
            case "api/repos/create":
                return self._create(json.loads(body))
            case _ if path.endswith("/objects/batch"):
                return self._batch(json.loads(body))
        return self._about_repo(path, body)

    def _about_repo(self, path: str, body: bytes) -> None:
        parts = path.split("/")
        name = "/".join(parts[2:4] if parts[0] == "api" else parts[:2])
        repo = self.hub.repos.get(name)
        if repo is None:
            return self._refuse(404, "Repository not found", "RepoNotFound")
        rest = parts[4:] if parts[0] == "api" else parts[2:]
        return self._in_repo(name, repo, rest, body)

    def _in_repo(self, name: str, repo: Repo, rest: list[str], body: bytes) -> None:
        what, revision = (rest[0], rest[1]) if rest else ("revision", "main")
        revision = "main" if revision == repo.sha else revision
        if what == "branch":
            repo.branches.setdefault(revision, dict(repo.files))
            return self._answer({})
        if revision not in repo.branches:
            return self._refuse(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        files = repo.branches[revision]
        match what:
            case "revision":
                siblings = [{"rfilename": name} for name in files]
                self._answer({"id": name, "sha": repo.sha, "private": repo.private, "siblings": siblings})
            case "tree":
                self._answer([self._listed(path, data) for path, data in sorted(files.items())])
            case "preupload":
                self._answer({"files": [self._mode(repo, f["path"]) for f in json.loads(body)["files"]]})
            case "commit":
                self._commit(name, repo, files, body)
            case "resolve":
                self._send_file(repo, files, "/".join(rest[2:]))

    def _create(self, wanted: dict[str, str]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        if wanted["organization"] != OWNER:
            return self._refuse(403, f"You don't have the rights to create a model under {wanted['organization']}")
        if name in self.hub.repos:
            return self._refuse(409, "You already created this model repo")
        self.hub.repos[name] = Repo(wanted.get("visibility") == "private" or wanted.get("private") is True)
        return self._answer({"url": f"{self.hub.url}/{name}"})

    @staticmethod
    def _mode(repo: Repo, path: str) -> dict[str, object]:
        mode = "lfs" if path.endswith(LARGE) else "regular"
        return {"path": path, "uploadMode": mode, "shouldIgnore": path in repo.ignored}

    @staticmethod
    def _listed(path: str, data: bytes) -> dict[str, object]:
        found = {"type": "file", "path": path, "size": len(data), "oid": git_sha1(data)}
        if path.endswith(LARGE):
            oid = hashlib.sha256(data).hexdigest()
            return found | {"oid": "0" * 40, "lfs": {"oid": oid, "size": len(data), "pointerSize": 134}}
        return found

    def _batch(self, asked: dict[str, list[dict[str, object]]]) -> None:
        objects = []
        for one in asked["objects"]:
            to_do = {} if one["oid"] in self.hub.blobs else {"upload": {"href": f"{self.hub.url}/upload/{one['oid']}"}}
            objects.append({**one, **({"actions": to_do} if to_do else {})})
        self._answer({"objects": objects, "transfer": "basic"})

    def _take(self, oid: str, body: bytes) -> None:
        assert hashlib.sha256(body).hexdigest() == oid
        with self.hub.lock:  # files arrive several at a time
            self.hub.received.append((oid, len(body)))
            dies = self.hub.dies_after is not None and len(self.hub.blobs) >= self.hub.dies_after
            if not dies:
                self.hub.blobs[oid] = body
        if not dies:
            return self._answer({})
        if self.hub.dies_with is None:
            self.close_connection = True
            return self.connection.close()
        return self._refuse(self.hub.dies_with, "the stand-in has died")

    def _commit(self, name: str, repo: Repo, files: dict[str, bytes], body: bytes) -> None:
        self.hub.received.append(("commit", len(body)))
        header, *operations = [json.loads(line) for line in body.splitlines()]
        if header["value"].get("parentCommit", repo.sha) != repo.sha:
            return self._refuse(412, "A commit has happened since")
        for operation in operations:
            value = operation["value"]
            if operation["key"] == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
            else:
                assert operation["key"] == "file"
                files[value["path"]] = base64.b64decode(value["content"])
        repo.commits.append(header["value"]["summary"])
        oid = repo.sha
        return self._answer({"commitUrl": f"{self.hub.url}/{name}/commit/{oid}", "commitOid": oid})

    def _send_file(self, repo: Repo, files: dict[str, bytes], path: str) -> None:
        if path not in files:
            return self._refuse(404, "Entry not found", "EntryNotFound")
        data = files[path]
        headers = {"ETag": f'"{git_sha1(data)}"', "X-Repo-Commit": repo.sha}
        return self._send(200, data, headers)

    def _answer(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, message: str, code: str = "") -> None:
        headers = {"X-Error-Message": message, "Content-Type": "application/json"}
        self._send(status, json.dumps({"error": message}).encode(), headers | ({"X-Error-Code": code} if code else {}))

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


@contextmanager
def serving() -> Iterator[Hub]:
    """Serves a stand-in until exit."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OwnHandler", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
