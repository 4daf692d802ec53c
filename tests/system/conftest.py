"""Fixtures of the system tests: real servers, and the program as users run it.

Servers listen on free loopback ports, keep their data in the test's own
folder and are stopped by the pid they started with. No test sleeps: it waits
for a condition.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from forests import extend_schema
from helpers import demo_folder

ROOT = pathlib.Path(__file__).resolve().parents[2]


def wait_until(condition, seconds=10, what="the condition"):
    """Returns what `condition` gives as soon as it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come true within {seconds} s")


def parse_ldif(text):
    """Entries of ldapsearch's output: DN -> name -> values (str or bytes)."""
    entries = {}
    entry = None
    for line in text.replace("\n ", "").splitlines():
        name, colon, value = line.partition(":")
        if not colon:
            entry = None
            continue
        if value.startswith(":"):
            raw = base64.b64decode(value[1:].strip())
            try:
                value = raw.decode()
            except UnicodeDecodeError:
                value = raw
        else:
            value = value.strip()
        if name == "dn":
            entry = entries.setdefault(value, {})
        elif entry is not None:
            entry.setdefault(name, []).append(value)
    return entries


class Directory:
    """A private directory server, started by a script in tools/."""

    tool = None

    def __init__(self, folder, *options):
        self.folder = pathlib.Path(folder)
        self.options = options
        self.env = {}

    def _tool(self, verb, *options):
        command = [ROOT / "tools" / self.tool, verb, self.folder, *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return dict(
            line.split("=", 1) for line in done.stdout.splitlines() if line
        )

    def start(self):
        """Starts it, or starts it again on the same port with its data."""
        self.env = self._tool("start", *self.options)
        self.url = self.env["LDAP_URL"]
        self.tls_url = self.env.get("LDAPS_URL")
        self.ca_file = self.env.get("LDAP_CA_FILE")
        self.base = self.env["LDAP_BASE"]
        self.bind_dn = self.env["LDAP_BIND_DN"]
        self.password = self.env["LDAP_PASSWORD"]
        self.pid = int(self.env["LDAP_PID"])
        return self

    def stop(self):
        self._tool("stop")

    def kill(self):
        """As a crash would: no warning, nothing flushed."""
        os.kill(self.pid, signal.SIGKILL)

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def client(self, program, *arguments, ldif=None):
        """Runs ldapadd, ldapsearch ... as the administrator."""
        command = [
            program, "-x", "-H", self.url, "-D", self.bind_dn,
            "-w", self.password, *arguments,
        ]
        done = subprocess.run(
            command, input=ldif, capture_output=True, text=True,
            env={**os.environ, "LDAPNOINIT": "1"},
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")
        return done.stdout

    def add(self, ldif):
        """Entries, or change records."""
        self.client("ldapmodify", "-a", ldif=ldif)

    def search(self, filter="(objectClass=*)", *attributes, base=None):
        """DN -> name -> values of all entries that the filter finds."""
        return parse_ldif(
            self.client(
                "ldapsearch", "-LLL", "-o", "ldif-wrap=no",
                "-b", base or self.base, filter, *attributes,
            )
        )


class Slapd(Directory):
    """OpenLDAP, see tools/slapd.sh."""

    tool = "slapd.sh"


class Standin(Slapd):
    """A directory that there is no free server of, see tools/standin."""

    def __init__(self, folder, kind, suffix, tls=False, conf=""):
        pathlib.Path(folder).mkdir()
        extra = pathlib.Path(folder) / "extra.conf"
        schema = ROOT / f"tools/standin/{kind}.schema"
        extra.write_text(f"include {schema}\n{conf}")
        options = ["--suffix", suffix, "--conf", extra]
        super().__init__(folder, *options, *(["--tls"] if tls else []))
        self.kind = kind
        self.tls = tls
        self.front = None

    def start(self):
        super().start()
        command = [ROOT / "tools/standin/front.py", self.kind,
                   self.url.rsplit(":", 1)[1]]
        if self.tls:
            command += ["--tls", self.folder / "tls"]
        self.front = subprocess.Popen(command, stdout=subprocess.PIPE,
                                      text=True)
        ports = dict(line.strip().split("=") for line
                     in iter(self.front.stdout.readline, "READY\n"))
        self.url = f"ldap://127.0.0.1:{ports['PORT']}"
        if self.tls:
            self.tls_url = f"ldaps://127.0.0.1:{ports['TLS_PORT']}"
        return self

    def stop(self):
        if self.front:
            self.front.kill()
            self.front.wait()
        super().stop()


class Samba(Directory):
    """An Active Directory domain, see tools/samba.sh."""

    tool = "samba.sh"

    @property
    def realm(self):
        return self.options[0]


class Dirsrv(Directory):
    """389 Directory Server, see tools/dirsrv.sh."""

    tool = "dirsrv.sh"


@pytest.fixture(scope="module")
def dirsrv(tmp_path_factory):
    """One server for all tests of a file: making one takes some seconds."""
    server = Dirsrv(tmp_path_factory.mktemp("dirsrv")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def make_samba(tmp_path_factory):
    """A function that starts domains: make_samba("CORP.TEST", "127.0.0.31").
    They are kept for all tests of a file: making one takes some seconds."""
    servers = []

    def make(realm, address, *options):
        folder = tmp_path_factory.mktemp(realm.split(".", 1)[0].lower())
        server = Samba(folder, realm, address, *options)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def make_forest(make_samba):
    """The same with the schema of Exchange."""
    return lambda realm, address: extend_schema(make_samba(realm, address))


@pytest.fixture
def make_slapd(tmp_path):
    """A function that starts servers: make_slapd(suffix=..., tls=True)."""
    servers = []

    def make(suffix="dc=example,dc=com", tls=False, conf=None):
        options = ["--suffix", suffix]
        if tls:
            options.append("--tls")
        if conf:
            path = tmp_path / f"slapd{len(servers)}.extra"
            path.write_text(conf)
            options += ["--conf", path]
        server = Slapd(tmp_path / f"slapd{len(servers)}", *options)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def make_standin(tmp_path):
    """A function that starts stand-ins: make_standin("edirectory", "o=corp")."""
    servers = []

    def make(kind, suffix, **more):
        server = Standin(tmp_path / f"{kind}{len(servers)}", kind, suffix,
                         **more)
        servers.append(server)
        return server.start()

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def slapd(make_slapd):
    """One server with the suffix dc=example,dc=com, plain and with TLS."""
    return make_slapd(tls=True)


class Conjoin:
    """The program with a configuration folder of its own."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = pathlib.Path(folder)

    def write(self, name, text):
        """A file of the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, *arguments, **environment):
        """Starts a command and returns without waiting for its end."""
        return subprocess.Popen(
            [self.program, "--folder", self.folder, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )

    def run(self, *arguments, status=0, **environment):
        """Runs a command, checks its exit status, gives its output."""
        command = self.start(*arguments, **environment)
        out, err = command.communicate(timeout=300)
        assert command.returncode == status, f"{arguments}: {out}{err}"
        return out if status == 0 else out + err


@pytest.fixture(scope="session")
def program():
    """build/conjoin, or what CONJOIN names."""
    path = os.environ.get("CONJOIN") or ROOT / "build" / "conjoin"
    if not shutil.which(path):
        pytest.fail(f"{path} is not there: build it, or set CONJOIN")
    return path


@pytest.fixture
def conjoin(program, tmp_path):
    folder = tmp_path / "config"
    folder.mkdir()
    return Conjoin(program, folder)


@pytest.fixture
def going_on(tmp_path):
    """A folder with a run that was stopped in the midst of its work."""
    people = 20000
    while True:
        folder = demo_folder(tmp_path / str(people), people)
        folder.ok("run", "teams", "full-import")
        process = folder.start("run", "hr", "full-import")
        if caught(folder, process):
            break
        process.wait()
        people *= 4
    yield folder, process
    process.kill()
    process.wait()


def caught(folder, process):
    """Looks until the run is seen, and halts it there."""
    while process.poll() is None:
        process.send_signal(signal.SIGSTOP)
        done = folder.conjoin("runs", "--json")
        if done.status == 0 and \
                done.json["runs"][0]["state"] == "going-on":
            return True
        process.send_signal(signal.SIGCONT)
    return False
