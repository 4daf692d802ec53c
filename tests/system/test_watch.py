"""conjoin watch: what changes in a system is in the connector space soon.

How soon is written down in docs/performance.md; here the limits are generous.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re
import signal
import subprocess
import threading
import time

import pytest

from conftest import wait_until
from helpers import Folder

MAIN = """\
conjoin: 1
agents: [AGENTS]
guards:
  import: { deletions: 100% }
  export: { deletions: 100% }
metaverse:
  person:
    attributes: { id: { type: string, index: true }, name: string }
"""

DIRECTORY = """\
type: %(kind)s
connect:
  servers: %(url)s
  bind_dn: %(bind)s
  password: file:password
  watch: true
  timeout: 5
  %(security)s
  base: %(base)s
objects:
  %(type)s:
    metaverse: person
    project: true
    import: { id: cn, name: description }
"""

HR = """\
type: csv
connect: { path: data/people.csv, anchor: id }
objects:
  person:
    metaverse: person
    project: true
    import: { id: id, name: name }
"""

COPY = """\
type: csv
connect: { path: data/copy.csv, anchor: id, create: yes }
objects:
  person:
    metaverse: person
    join: [ { id: id } ]
    provision: true
    export: { id: id, name: name }
"""


class Watch:
    """The command, and the lines that it prints."""

    def __init__(self, folder, *words):
        self.process = subprocess.Popen(
            folder.command("watch", "--json", *words), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.lines = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def find(self, **wanted):
        return [line for line in self.lines
                if all(line.get(key) == value
                       for key, value in wanted.items())]

    def wait_for(self, count=1, seconds=30, **wanted):
        return wait_until(
            lambda: len(self.find(**wanted)) >= count and self.find(**wanted),
            seconds, f"{wanted} in {self.lines}")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self.reader.join()
        return status


class Kind:
    def __init__(self, server, kind, base, type, security):
        self.server = server
        self.base = base
        self.type = type
        self.agent = DIRECTORY % {
            "kind": kind, "type": type, "security": security, "base": base,
            "url": server.tls_url if kind == "ad" else server.url,
            "bind": server.bind_dn}

    def add(self, name):
        sn = "sn: x\n" if self.type == "inetOrgPerson" else ""
        self.server.add(f"dn: cn={name},{self.base}\n"
                        f"objectClass: {self.type}\n{sn}\n")

    def change(self, name, text):
        self.server.add(f"dn: cn={name},{self.base}\nchangetype: modify\n"
                        f"replace: description\ndescription: {text}\n")

    def delete(self, name):
        self.server.client("ldapdelete", f"cn={name},{self.base}")


@pytest.fixture(scope="module")
def corp(make_samba):
    return make_samba("CORP.TEST", "127.0.0.42")


@pytest.fixture(params=["openldap", "sun", "ad"])
def kind(request):
    name = request.param
    if name == "ad":
        server = request.getfixturevalue("corp")
        made = Kind(server, name, f"OU=Watched,{server.base}", "contact",
                    f"ca_file: {server.ca_file}")
    else:
        server = request.getfixturevalue("make_slapd")(
            conf="overlay syncprov\nsyncprov-sessionlog 1000\n") \
            if name == "openldap" else request.getfixturevalue("dirsrv")
        made = Kind(server, name, f"ou=watched,{server.base}",
                    "inetOrgPerson", "security: none")
    server.add(f"dn: {made.base}\nobjectClass: organizationalUnit\n")
    return made


def folder_with(path, password="", **agents):
    folder = Folder(path / "conf")
    folder.write("conjoin.yaml", MAIN.replace("AGENTS", ", ".join(agents)))
    for name, text in agents.items():
        folder.write(f"agents/{name}.yaml", text)
    folder.write("password", password)
    (folder.path / "password").chmod(0o600)
    folder.ok("check")
    return folder


def names(folder):
    done = folder.conjoin("search", "cs", "dir", "--json")
    if done.status:
        return []
    return sorted(re.match(r"cn=([^,]*),", one["dn"], re.I).group(1)
                  for one in done.json["objects"]
                  if one["dn"].lower().startswith("cn="))


def test_changes(tmp_path, kind, capsys):
    folder = folder_with(tmp_path, kind.server.password, dir=kind.agent)
    kind.add("ann")
    with Watch(folder) as watch:
        watch.wait_for(event="listening")
        watch.wait_for(event="run", result="success")
        assert names(folder) == ["ann"]
        wait_until(lambda: watch.lines[-1]["event"] == "run")
        times = []
        for name in ("bob", "cid", "dan"):
            began = time.monotonic()
            kind.add(name)
            wait_until(lambda name=name: name in names(folder), 30)
            times.append(time.monotonic() - began)
        kind.delete("bob")
        wait_until(lambda: "bob" not in names(folder), 30)
        with capsys.disabled():
            print(f"{kind.type}: seen after "
                  + ", ".join(f"{one:.2f} s" for one in times))
        # many at once are few runs
        count = len(watch.find(event="run"))
        for i in range(40):
            kind.add(f"many{i}")
        wait_until(lambda: len(names(folder)) == 43, 30)
        assert len(watch.find(event="run")) < count + 40
        # a connection that is lost
        kind.server.stop()
        watch.wait_for(event="lost")
        kind.server.start()
        watch.wait_for(2, 60, event="listening")
        kind.add("eve")
        wait_until(lambda: "eve" in names(folder), 60)
        assert watch.end() == 0
    assert watch.process.stderr.read() == ""


def test_cycle(tmp_path, make_slapd):
    server = make_slapd(conf="overlay syncprov\nsyncprov-sessionlog 1000\n")
    kind = Kind(server, "openldap", f"ou=watched,{server.base}",
                "inetOrgPerson", "security: none")
    server.add(f"dn: {kind.base}\nobjectClass: organizationalUnit\n")
    folder = folder_with(tmp_path, server.password, dir=kind.agent, copy=COPY)
    with Watch(folder, "--cycle", "--every", "0") as watch:
        watch.wait_for(event="listening")
        watch.wait_for(event="run", agent="copy", profile="delta-sync")
        kind.add("ann")
        kind.change("ann", "Arbor")
        wait_until(lambda: (folder.path / "data/copy.csv").exists()
                   and "ann,Arbor" in folder.read("data/copy.csv"), 30)
        assert watch.end() == 0


def test_by_the_clock(tmp_path):
    folder = folder_with(tmp_path, hr=HR)
    folder.write("data/people.csv", "id,name\n1,Ann\n")
    with Watch(folder, "hr", "--every", "1") as watch:
        first = watch.wait_for(event="run", agent="hr", result="success")
        assert first[0]["profile"] == "full-import"
        folder.write("data/people.csv", "id,name\n1,Ann\n2,Bob\n")
        wait_until(lambda: len(folder.json("search", "cs", "hr")["objects"])
                   == 2)
        # what fails is tried again, and a wrong file does not end it
        (folder.path / "data/people.csv").rename(folder.path / "away")
        watch.wait_for(event="run", agent="hr",
                       result="no-start-file-not-found")
        (folder.path / "away").rename(folder.path / "data/people.csv")
        count = len(watch.find(event="run", result="success"))
        watch.wait_for(count + 1, event="run", result="success")
        assert watch.end() == 0


def test_refused(tmp_path, make_slapd):
    """A server without the overlay does not tell: it is looked at instead."""
    server = make_slapd()
    kind = Kind(server, "openldap", server.base, "inetOrgPerson",
                "security: none")
    folder = folder_with(tmp_path, server.password, dir=kind.agent)
    with Watch(folder, "--every", "1") as watch:
        refused = watch.wait_for(event="refused", agent="dir")
        assert "does not tell of changes" in refused[0]["message"]
        assert "leave out 'watch'" in refused[0]["message"]
        kind.add("ann")
        wait_until(lambda: names(folder) == ["ann"])
        assert watch.end() == 0


def test_wrong_use(tmp_path):
    folder = folder_with(tmp_path, hr=HR)
    assert "nothing would ever happen" in folder.ok(
        "watch", "--every", "0", status=2).err
    assert "--every takes" in folder.ok("watch", "--every=2000000", status=2).err
    assert "'nobody'" in folder.ok("watch", "nobody", status=2).err
    folder.replace("agents/hr.yaml", "anchor: id }", "anchor: id, watch: yes }")
    assert "watch" in folder.ok("check", status=2).out
