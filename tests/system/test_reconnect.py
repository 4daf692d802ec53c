"""A directory server is stopped and started in the middle of an import and of
an export: the run goes on, and what comes out is right.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import wait_until
from cut import Cut
from helpers import Folder, counted

MAIN = """\
conjoin: 1
agents: [hr, dir]
guards:
  import: { deletions: 100% }
  export: { deletions: 100% }
metaverse:
  person:
    attributes: { id: { type: string, index: true }, name: string }
    delete: { when: [hr] }
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

DIRECTORY = """\
type: %(kind)s
connect:
  servers: [ %(servers)s ]
  bind_dn: %(bind)s
  password: file:password
  timeout: 10
  page_size: 50
  %(more)s
  base: %(base)s
objects:
"""

READ = {
    "openldap": """\
  inetOrgPerson:
    metaverse: person
    project: true
    import: { id: employeeNumber, name: sn }
""",
    "ad": """\
  contact:
    metaverse: person
    project: true
    import: { id: employeeID, name: displayName }
"""}

WRITE = {
    "openldap": """\
  inetOrgPerson:
    metaverse: person
    join: [ { id: employeeNumber } ]
    provision:
      dn: '"uid=" & [id] & ",BASE"'
    export: { employeeNumber: id, sn: name, cn: name }
    deprovision: delete
""",
    "ad": """\
  contact:
    metaverse: person
    join: [ { id: employeeID } ]
    provision:
      dn: '"CN=" & [id] & ",BASE"'
    export: { employeeID: id, displayName: name }
    deprovision: delete
"""}

SYNCPROV = "overlay syncprov\nsyncprov-sessionlog 10000\n"


class Target:
    """A server that can be stopped, with a unit for one test."""

    def __init__(self, server, kind, base):
        self.server = server
        self.kind = kind
        self.base = base
        self.kept_running = False
        scheme, self.host, self.port = re.fullmatch(
            r"(\w+)://([\d.]+):?(\d*)",
            server.tls_url if kind == "ad" else server.url).groups()
        self.scheme = scheme
        self.port = int(self.port or 636)

    def cut(self, **limit):
        return Cut(self.host, self.port, self.restart, **limit)

    def restart(self):
        if not self.kept_running:
            self.kill()
        self.server.start()

    def kill(self):
        line = pathlib.Path(f"/proc/{self.server.pid}/cmdline")
        self.server.kill()
        wait_until(lambda: not line.exists() or not line.read_bytes())

    def url(self, port=None):
        return f"{self.scheme}://{self.host}:{port or self.port}"

    def fill(self, numbers):
        self.server.add("".join(self.person(i) for i in numbers))

    def person(self, i):
        if self.kind == "ad":
            return (f"dn: CN=p{i:04},{self.base}\nobjectClass: contact\n"
                    f"employeeID: p{i:04}\ndisplayName: Name {i}\n\n")
        return (f"dn: uid=p{i:04},{self.base}\nobjectClass: inetOrgPerson\n"
                f"employeeNumber: p{i:04}\nsn: Name {i}\ncn: p\n\n")

    def names(self):
        found = self.server.search(
            "(|(objectClass=inetOrgPerson)(objectClass=contact))", "1.1",
            base=self.base)
        return sorted(re.match(r"\w+=([^,]*),", dn).group(1) for dn in found)

    def folder(self, path, *urls, objects=None, more=""):
        folder = Folder(path / "conf")
        folder.write("conjoin.yaml", MAIN)
        folder.write("agents/hr.yaml", HR)
        folder.write("data/people.csv", "id,name\n")
        more += "\n  " + (f"ca_file: {self.server.ca_file}"
                          if self.kind == "ad" else "security: none")
        folder.write("agents/dir.yaml", DIRECTORY % {
            "kind": self.kind, "servers": ", ".join(urls),
            "bind": self.server.bind_dn, "base": self.base, "more": more
        } + (objects or READ)[self.kind].replace("BASE", self.base))
        folder.write("password", self.server.password)
        (folder.path / "password").chmod(0o600)
        folder.ok("check")
        return folder


@pytest.fixture(scope="module")
def corp(make_samba):
    return make_samba("CORP.TEST", "127.0.0.41")


@pytest.fixture(params=["openldap", "ad"])
def target(request):
    if request.param == "openldap":
        server = request.getfixturevalue("make_slapd")(conf=SYNCPROV)
        base = f"ou=people,{server.base}"
    else:
        server = request.getfixturevalue("corp")
        name = re.sub(r"[^A-Za-z]", "", request.node.name)[:40]
        base = f"OU={name},{server.base}"
    server.add(f"dn: {base}\nobjectClass: organizationalUnit\n")
    return Target(server, request.param, base)


def run(folder, profile, agent="dir"):
    found = {}
    for step in folder.json("run", agent, profile)["steps"]:
        found.update(counted(step))
    return found


def read(folder):
    found = folder.json("search", "cs", "dir")["objects"]
    return sorted(re.match(r"\w+=(p\d+),", one["dn"]).group(1)
                  for one in found if one["dn"][3:].lstrip("=")[0] == "p"
                  and ",ou=" in one["dn"].lower())


def cut_among_entries(cut, folder):
    """A first run tells how much comes; what comes last are entries."""
    before = cut.counts["received"]
    run(folder, "full-import")
    shutil.rmtree(folder.path / "state")
    size = cut.counts["received"] - before
    cut.limits["received"] = cut.counts["received"] + size - 30000


def test_import(tmp_path, target):
    target.fill(range(600))
    with target.cut() as cut:
        folder = target.folder(tmp_path, target.url(cut.port))
        cut_among_entries(cut, folder)
        done = folder.ok("run", "dir", "full-import", "--json")
        assert cut.done.is_set()
        assert "connection made again" in done.err
        assert counted(done.json["steps"][-1]) == {"stage-add": 600}
        assert read(folder) == target.names()
        # the changes since its beginning are known; OpenLDAP's log does not
        # outlive its server
        if target.kind == "ad":
            target.fill(range(600, 610))
            assert run(folder, "delta-import") == {"stage-add": 10}


def test_delta_import(tmp_path, target):
    target.kept_running = target.kind == "openldap"
    target.fill(range(100))
    with target.cut() as cut:
        folder = target.folder(tmp_path, target.url(cut.port))
        run(folder, "full-import")
        target.fill(range(100, 900))
        target.server.client("ldapdelete", re.match(
            "dn: (.*)", target.person(5)).group(1))
        cut.limits["received"] = cut.counts["received"] + 120000
        done = folder.ok("run", "dir", "delta-import", "--json")
        assert cut.done.is_set()
        assert "connection made again" in done.err
        assert counted(done.json["steps"][-1]) == {"stage-add": 800,
                                                   "stage-delete": 1}
        assert read(folder) == target.names()
        assert set(run(folder, "full-import")) == {"stage-no-change"}


def test_export(tmp_path, target):
    with target.cut() as cut:
        folder = target.folder(tmp_path, target.url(cut.port), objects=WRITE)
        folder.write("data/people.csv", "id,name\n" + "".join(
            f"p{i:04},Name {i}\n" for i in range(600)))
        folder.ok("run", "dir", "full-import-full-sync")
        folder.ok("run", "hr", "full-import-full-sync")
        cut.limits["sent"] = cut.counts["sent"] + 50000
        done = folder.ok("run", "dir", "export", "--json")
        assert cut.done.is_set()
        assert "connection made again" in done.err
        assert counted(done.json["steps"][-1])["export-add"] == 600
        assert len(target.names()) == 600
        # all of it is confirmed, and nothing comes twice
        run(folder, "full-import")
        assert folder.json("pending", "--exports")["exports"] == []
        assert folder.json("errors")["errors"] == []
        # changes and deletions
        folder.write("data/people.csv", "id,name\n" + "".join(
            f"p{i:04},Another {i}\n" for i in range(300, 600)))
        folder.ok("run", "hr", "full-import-full-sync")
        cut.done.clear()
        cut.limits["sent"] = cut.counts["sent"] + 15000
        done = folder.ok("run", "dir", "export", "--json")
        assert cut.done.is_set()
        assert len(target.names()) == 300
        run(folder, "full-import")
        assert folder.json("pending", "--exports")["exports"] == []


def test_another_server(tmp_path, make_slapd):
    """What the first one does not give any more the second one does; no delta
    can follow, since the two need not know the same."""
    first, second = (make_slapd(conf=SYNCPROV) for _ in range(2))
    targets = [Target(one, "openldap", f"ou=people,{one.base}")
               for one in (first, second)]
    whole = ""
    for one in targets:
        if not whole:
            one.server.add(f"dn: {one.base}\n"
                           "objectClass: organizationalUnit\n")
            one.fill(range(400))
            whole = one.server.client("ldapsearch", "-LLL", "-b", one.base,
                                      "(objectClass=*)", "*", "+")
    second.stop()
    # the same entries with the same ids
    subprocess.run(["/usr/sbin/slapadd", "-q", "-f",
                    second.folder / "slapd.conf"], input=whole, text=True,
                   check=True)
    second.start()
    with Cut(targets[0].host, targets[0].port, first.kill) as cut:
        folder = targets[0].folder(tmp_path, targets[0].url(cut.port),
                                   targets[1].url())
        cut_among_entries(cut, folder)
        done = folder.ok("run", "dir", "full-import", "--json")
        assert cut.done.is_set()
        assert f'server="{second.url}"' in done.err
        assert counted(done.json["steps"][-1]) == {"stage-add": 400}
        step = folder.json("run", "dir", "delta-import", status=4)["steps"][-1]
        assert step["result"] == "no-start-full-import-required"


def test_stays_away(tmp_path, make_slapd):
    server = make_slapd()
    one = Target(server, "openldap", f"ou=people,{server.base}")
    server.add(f"dn: {one.base}\nobjectClass: organizationalUnit\n")
    one.fill(range(300))
    with Cut(one.host, one.port, server.kill) as cut:
        folder = one.folder(tmp_path, one.url(cut.port), more="reconnect: 1")
        cut_among_entries(cut, folder)
        done = folder.ok("run", "dir", "full-import", "--json", status=4)
        step = done.json["steps"][-1]
        assert step["result"] == "stopped-import-read"
        assert "tried again for up to 1 s: ldap://" in step["message"]
    server.start()
    folder.replace("agents/dir.yaml", str(cut.port), str(one.port))
    found = run(folder, "full-import")
    assert "stage-delete" not in found
    assert read(folder) == one.names()
