"""Files as operators handle them: folders, other machines, what goes wrong.

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import getpass
import gzip
import http.server
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from helpers import Folder, counted

CONFIG = """conjoin: 1
store: sqlite:state/conjoin.db
agents: [hr]
metaverse:
  person:
    attributes: { employeeID: string, displayName: string }
"""
AGENT = """type: csv
connect:
  anchor: id
%s
objects:
  person:
    metaverse: person
    project: true
    import: { employeeID: id, displayName: name }
"""
CLAIM = """  path: inbox/hr-*.csv
  claim: { processing: work, done: done, failed: failed }"""


def make(path, connect):
    folder = Folder(path)
    folder.write("conjoin.yaml", CONFIG)
    folder.write("agents/hr.yaml", AGENT % connect)
    (path / "inbox").mkdir(exist_ok=True)
    return folder


def rows(count, name="Ada"):
    return "id,name\n" + "".join(f"{i},{name} {i}\n" for i in range(count))


def names(folder, where):
    path = folder.path / where
    return sorted(p.name for p in path.iterdir()) if path.exists() else []


def run(folder, status=0, profile="full-import"):
    """The step's message."""
    return folder.json("run", "hr", profile, status=status)["steps"][0]


def test_claim(tmp_path):
    folder = make(tmp_path, CLAIM)
    step = run(folder, status=4)
    assert step["result"] == "no-start-file-not-found"
    folder.write("inbox/hr-1.csv", rows(3))
    assert run(folder)["result"] == "success"
    assert names(folder, "inbox") == names(folder, "work") == []
    (done,) = names(folder, "done")
    assert done.endswith("-hr-1.csv")
    # nobody has left because no file has come
    step = run(folder)
    assert step["result"] == "success"
    assert step["message"] == "no new file 'inbox/hr-*.csv'"
    folder.write("inbox/hr-2.csv", "no,such\ncolumns,here\n")
    step = run(folder, status=4)
    assert "it was moved to" in step["message"]
    data, why = names(folder, "failed")
    assert why == data + ".txt"
    assert "has no column 'id'" in folder.read("failed/" + why)
    # a row in error does not hold the others back
    folder.write("inbox/hr-3.csv", rows(3) + "3\n")
    assert run(folder, status=1)["result"] == "completed-discovery-errors"
    assert names(folder, "work") == []
    assert len(names(folder, "done")) == 2


def test_guard_leaves_the_file(tmp_path):
    """What a guard stopped is not imported: the file waits for the token."""
    folder = make(tmp_path, CLAIM)
    folder.write("inbox/hr-1.csv", rows(100))
    run(folder)
    folder.write("inbox/hr-2.csv", rows(10))
    step = run(folder, status=3)
    assert names(folder, "work") == ["hr-2.csv"]
    folder.ok("run", "hr", "full-import", "--allow", step["token"])
    assert names(folder, "work") == []
    assert len(names(folder, "done")) == 2


def test_plan_moves_nothing_to_done(tmp_path):
    folder = make(tmp_path, CLAIM)
    folder.write("inbox/hr-1.csv", rows(3))
    run(folder)
    folder.write("inbox/hr-2.csv", rows(4))
    folder.ok("plan", "--import")
    assert names(folder, "work") == ["hr-2.csv"]
    assert len(names(folder, "done")) == 1
    assert counted(run(folder))["stage-add"] == 1
    assert len(names(folder, "done")) == 2


def test_killed(tmp_path):
    """Wherever it is killed, the file is in one place and is read in the end."""
    folder = make(tmp_path, CLAIM)
    chance = random.Random(7)
    for number in range(1, 4):
        folder.write(f"inbox/hr-{number}.csv", rows(20000, f"Day{number}"))
        for _ in range(6):
            process = subprocess.Popen(folder.command("run", "hr",
                                                      "full-import"),
                                       stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
            try:
                process.wait(chance.uniform(0.01, 0.25))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
            places = [where for where in ("inbox", "work", "done")
                      for name in names(folder, where)
                      if name.endswith(f"hr-{number}.csv")]
            assert len(places) == 1
        folder.ok("run", "hr", "full-import")
        assert len(names(folder, "done")) == number
        assert names(folder, "work") == names(folder, "inbox") == []
    found = folder.json("search", "cs", "hr", "name=Day3 19999")
    assert len(found["objects"]) == 1


def test_two_at_once(tmp_path):
    """Two installations that share a folder: each file is read by one."""
    shared = tmp_path / "inbox"
    shared.mkdir()
    both = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        both.append(make(tmp_path / name, f"""  path: {shared}/hr-*.csv
  take: oldest
  claim:
    processing: {tmp_path}/work
    done: {tmp_path}/done
    failed: {tmp_path}/failed"""))
    for number in range(1, 5):
        (shared / f"hr-{number}.csv").write_text(rows(2000, f"N{number}"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(4):
            list(pool.map(lambda f: f.conjoin("run", "hr", "full-import"),
                          both))
    done = [name.split("-", 3)[3] for name in names(both[0], "../done")]
    assert sorted(done) == [f"hr-{n}.csv" for n in range(1, 5)]


def test_full_disk(tmp_path):
    folder = make(tmp_path, "  path: inbox/hr.csv")
    text = rows(40000, "x" * 200)
    with gzip.open(tmp_path / "inbox/hr.csv", "wt", compresslevel=1) as file:
        file.write(text)

    def no_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))

    done = subprocess.run(folder.command("run", "hr", "full-import"),
                          capture_output=True, text=True, check=False,
                          preexec_fn=no_room)
    assert done.returncode == 4
    assert "cannot unpack 'inbox/hr.csv' into '" in done.stdout + done.stderr
    assert counted(run(folder))["stage-add"] == 40000


# ---- https ----

class Pages(http.server.BaseHTTPRequestHandler):
    """Serves one text, or bytes, with an ETag; may break off."""
    protocol_version = "HTTP/1.1"
    text, tag, cut, sent = "", '"1"', False, []
    taken, status = {}, 201

    def do_GET(self):
        cls = type(self)
        if self.path != "/hr.csv":
            self.send_error(404)
            return
        same = self.headers.get("If-None-Match") == cls.tag
        cls.sent.append(304 if same else 200)
        text = cls.text if isinstance(cls.text, bytes) else cls.text.encode()
        body = b"" if same else text
        self.send_response(304 if same else 200)
        self.send_header("ETag", cls.tag)
        if not same:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if cls.cut else body)
        if cls.cut:
            self.close_connection = True

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).taken[self.path] = body
        self.send_response(type(self).status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *args):
        pass


@pytest.fixture
def web(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                    "-keyout", tmp_path / "key.pem", "-out",
                    tmp_path / "ca.pem", "-days", "30", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,),
                              daemon=True)
    thread.start()
    Pages.text, Pages.tag, Pages.cut, Pages.sent = rows(3), '"1"', False, []
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_https(tmp_path, web):
    folder = make(tmp_path, f"  path: {web}/hr.csv")
    step = run(folder, status=4)
    assert "who signed its certificate must be known" in step["message"]
    folder.replace("agents/hr.yaml", "  anchor: id",
                   "  anchor: id\n  remote: { ca_file: ca.pem }")
    assert counted(run(folder))["stage-add"] == 3
    step = run(folder)
    assert step["message"] == f"'{web}/hr.csv' is the one of the import before"
    assert Pages.sent == [200, 304]
    Pages.tag, Pages.text = '"2"', rows(4)
    assert counted(run(folder))["stage-add"] == 1
    Pages.tag, Pages.cut = '"3"', True
    step = run(folder, status=4)
    assert "cannot fetch" in step["message"]
    Pages.cut, Pages.text = False, "id,name\n"
    Pages.tag = '"4"'
    assert run(folder, status=3)["result"].startswith("stopped-")
    folder.replace("agents/hr.yaml", "/hr.csv", "/other.csv")
    assert "answers with status 404" in run(folder, status=4)["message"]


# ---- sftp ----

@pytest.fixture(scope="module")
def sftp(tmp_path_factory):
    """Address and folder of a server; its keys lie in the folder above. The
    user `feeds` signs in with a password, which is its own name twice."""
    home = tmp_path_factory.mktemp("sftp")
    home.chmod(0o755)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                        home / name], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (home / "config").write_text(f"""Port {port}
ListenAddress 127.0.0.1
HostKey {home}/host
PidFile {home}/pid
AuthorizedKeysFile {home}/user.pub
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin yes
Subsystem sftp internal-sftp
""")
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    secret = subprocess.run(["openssl", "passwd", "-6", "feeds feeds"],
                            capture_output=True, text=True, check=True).stdout
    users = pathlib.Path("/etc/passwd").read_text(encoding="utf-8")
    (home / "passwd").write_text(
        f"{users}feeds:x:{os.getuid()}:{os.getgid()}::{home}:/bin/sh\n")
    (home / "shadow").write_text(
        f"feeds:{secret.strip()}:19000:0:99999:7:::\n")
    server = subprocess.Popen([shutil.which("sshd", path="/usr/sbin:/sbin"),
                               "-D", "-e", "-f", home / "config"],
                              stderr=subprocess.DEVNULL,
                              env={**os.environ,
                                   "LD_PRELOAD": "libnss_wrapper.so",
                                   "NSS_WRAPPER_PASSWD": home / "passwd",
                                   "NSS_WRAPPER_GROUP": "/etc/group",
                                   "NSS_WRAPPER_SHADOW": home / "shadow"})
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.01)
    key = (home / "host.pub").read_text().split()
    (home / "known_hosts").write_text(
        f"[127.0.0.1]:{port} {key[0]} {key[1]}\n")
    (home / "empty").write_text("")
    (home / "data").mkdir()
    yield f"sftp://{getpass.getuser()}@127.0.0.1:{port}{home}/data", home
    server.terminate()
    server.wait()


def test_sftp(tmp_path, sftp):
    address, home = sftp
    folder = make(tmp_path, f"""  path: {address}/hr-*.csv
  remote: {{ key: file:{home}/user, known_hosts: {home}/empty }}""")
    (home / "data/hr-1.csv").write_text(rows(2))
    (home / "data/hr-2.csv").write_text(rows(3))
    (home / "data/other.csv").write_text(rows(9))
    os.utime(home / "data/hr-1.csv", (1, 1))
    step = run(folder, status=4)
    assert "its host key must stand in the file" in step["message"]
    folder.replace("agents/hr.yaml", f"{home}/empty", f"{home}/known_hosts")
    assert counted(run(folder))["stage-add"] == 3
    os.utime(home / "data/hr-2.csv", (0, 0))
    assert run(folder, status=0)["result"] == "success"
    # one file is fetched when it is another
    folder.replace("agents/hr.yaml", "hr-*.csv", "hr-2.csv")
    run(folder)
    step = run(folder)
    assert step["message"].endswith("is the one of the import before")
    (home / "data/hr-2.csv").write_text(rows(4))
    assert counted(run(folder))["stage-add"] == 1
    folder.replace("agents/hr.yaml", f"{home}/user", f"{home}/host")
    assert "cannot fetch" in run(folder, status=4)["message"]
