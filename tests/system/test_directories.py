"""Changes only of other directories: OpenLDAP by RFC 4533 and by time stamps,
389 Directory Server by its change log.

SPDX-License-Identifier: Apache-2.0
"""
import re
import sqlite3

import pytest

from helpers import ROOT, Folder, counted

MAIN = """\
conjoin: 1
agents: [dir]
guards: { import: { deletions: 100% } }
metaverse:
  person:
    attributes: { name: string, title: string, boss: reference }
  group:
    attributes: { name: string, member: [reference] }
"""

AGENT = """\
type: %(kind)s
connect:
  servers: %(url)s
  bind_dn: %(bind)s
  password: file:password
  security: none
  %(more)s
  partitions: [ { base: '%(base)s', include: ['ou=in'] } ]
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    project: true
    import: { name: cn, title: title, boss: manager }
  group:
    type: groupOfNames
    metaverse: group
    project: true
    import: { name: cn, member: member }
"""

SYNCPROV = "overlay syncprov\nsyncprov-sessionlog 1000\n"


class Kept:
    """A server, and what the agent for it is called."""

    def __init__(self, server, kind):
        self.server = server
        self.kind = kind


@pytest.fixture(params=["openldap", "sun"])
def kept(request):
    """A directory that tells of changes and deletions, with a unit that is
    read and one that is not."""
    if request.param == "openldap":
        server = request.getfixturevalue("make_slapd")(conf=SYNCPROV)
    else:
        server = request.getfixturevalue("dirsrv")
        for dn in sorted(server.search(), key=len, reverse=True):
            if dn != server.base:
                server.client("ldapdelete", dn)
    fill(server)
    return Kept(server, request.param)


def fill(server):
    server.add(f"dn: ou=in,{server.base}\nobjectClass: organizationalUnit\n\n"
               f"dn: ou=out,{server.base}\nobjectClass: organizationalUnit\n\n"
               f"dn: ou=team,ou=in,{server.base}\n"
               "objectClass: organizationalUnit\n\n"
               + person(server, "ann", "ou=in") + person(server, "bob", "ou=in")
               + person(server, "cid", "ou=team,ou=in")
               + f"dn: cn=g,ou=in,{server.base}\nobjectClass: groupOfNames\n"
               f"member: cn=ann,ou=in,{server.base}\n")


def person(server, name, where):
    return (f"dn: cn={name},{where},{server.base}\n"
            f"objectClass: inetOrgPerson\nsn: {name}\n\n")


def folder_for(path, server, kind, more=""):
    folder = Folder(path / "conf")
    folder.write("conjoin.yaml", MAIN)
    folder.write("agents/dir.yaml", AGENT % {
        "kind": kind, "url": server.url, "bind": server.bind_dn,
        "base": server.base, "more": more})
    folder.write("password", server.password)
    (folder.path / "password").chmod(0o600)
    folder.ok("check")
    return folder


def run(folder, profile):
    found = {}
    for step in folder.json("run", "dir", profile)["steps"]:
        found.update(counted(step))
    return found


def unchanged(folder):
    found = run(folder, "full-import")
    assert set(found) <= {"stage-no-change"}, found


def names(folder):
    found = folder.json("search", "cs", "dir", "--type",
                        "inetOrgPerson")["objects"]
    return sorted(re.match("cn=([^,]*),", one["dn"]).group(1)
                  for one in found)


def modify(server, rdn, text):
    server.add(f"dn: {rdn},{server.base}\nchangetype: {text}\n")


def move(server, old, rdn, parent):
    modify(server, old, f"modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\n"
           f"newsuperior: {parent},{server.base}")


def test_delta(tmp_path, kept):
    server = kept.server
    folder = folder_for(tmp_path, server, kept.kind)
    assert run(folder, "full-import-full-sync")["stage-add"] == 4
    assert run(folder, "delta-import") == {}

    server.add(person(server, "dot", "ou=in"))
    modify(server, "cn=ann,ou=in", "modify\nreplace: title\ntitle: Head\n-\n"
           f"replace: manager\nmanager: cn=bob,ou=in,{server.base}")
    modify(server, "cn=g,ou=in", "modify\nadd: member\n"
           f"member: cn=bob,ou=in,{server.base}")
    found = run(folder, "delta-import-delta-sync")
    assert found["stage-add"] == 1 and found["stage-update"] == 2
    unchanged(folder)

    modify(server, "cn=dot,ou=in", "modrdn\nnewrdn: cn=dorothy\n"
           "deleteoldrdn: 1")
    modify(server, "cn=cid,ou=team,ou=in", "delete")
    found = run(folder, "delta-import-delta-sync")
    assert found["stage-rename"] == 1 and found["stage-delete"] == 1
    assert names(folder) == ["ann", "bob", "dorothy"]
    unchanged(folder)
    assert run(folder, "delta-import") == {}


def test_moves(tmp_path, kept):
    """Out of the agent's part and back, alone and with a unit."""
    server = kept.server
    folder = folder_for(tmp_path, server, kept.kind)
    run(folder, "full-import")
    move(server, "cn=bob,ou=in", "cn=bob", "ou=out")
    assert run(folder, "delta-import")["stage-delete"] == 1
    unchanged(folder)
    move(server, "ou=team,ou=in", "ou=crew", "ou=out")
    assert run(folder, "delta-import")["stage-delete"] == 1
    assert names(folder) == ["ann"]
    unchanged(folder)
    if kept.kind == "sun":
        # version 2.3 itself does not find what lies below a unit that was
        # moved a second time
        move(server, "cn=bob,ou=out", "cn=bob", "ou=in")
        assert run(folder, "delta-import")["stage-add"] == 1
        assert names(folder) == ["ann", "bob"]
    else:
        move(server, "ou=crew,ou=out", "ou=crew", "ou=in")
        move(server, "cn=bob,ou=out", "cn=bob", "ou=crew,ou=in")
        assert run(folder, "delta-import")["stage-add"] == 2
        assert names(folder) == ["ann", "bob", "cid"]
    unchanged(folder)


def full_import_required(folder):
    step = folder.json("run", "dir", "delta-import", status=4)["steps"][-1]
    assert step["result"] == "no-start-full-import-required"
    return step["message"]


def test_log_too_short(tmp_path, make_slapd):
    """Without its log the server tells what is there, not what is gone."""
    server = make_slapd(conf="overlay syncprov\n")
    fill(server)
    folder = folder_for(tmp_path, server, "openldap")
    run(folder, "full-import")
    assert run(folder, "delta-import") == {}
    modify(server, "cn=bob,ou=in", "delete")
    modify(server, "cn=ann,ou=in", "modify\nreplace: title\ntitle: x")
    assert "syncprov-sessionlog" in full_import_required(folder)
    assert run(folder, "full-import")["stage-delete"] == 1


def test_timestamps(tmp_path, make_slapd):
    """No overlay: by time stamps, when that is asked for by name."""
    server = make_slapd()
    fill(server)
    folder = folder_for(tmp_path, server, "openldap")
    run(folder, "full-import")
    full_import_required(folder)
    folder.replace("agents/dir.yaml", "security: none",
                   "security: none\n  delta: timestamp")
    run(folder, "full-import")
    server.add(person(server, "eve", "ou=in"))
    modify(server, "cn=bob,ou=in", "delete")
    move(server, "ou=team,ou=in", "ou=team", "ou=out")
    found = run(folder, "delta-import")
    assert found["stage-add"] == 1 and found["stage-delete"] == 1
    assert names(folder) == ["ann", "bob", "eve"]
    run(folder, "full-import")
    assert names(folder) == ["ann", "eve"]


def test_known_by_their_names(tmp_path, make_slapd):
    """Without another anchor a full import tells who is gone as well."""
    server = make_slapd()
    fill(server)
    folder = folder_for(tmp_path, server, "openldap", "anchor: dn")
    run(folder, "full-import")
    modify(server, "cn=bob,ou=in", "delete")
    server.add(person(server, "eve", "ou=in"))
    found = run(folder, "full-import")
    assert found["stage-delete"] == 1 and found["stage-add"] == 1
    assert names(folder) == ["ann", "cid", "eve"]
    unchanged(folder)


def test_compared(tmp_path, make_slapd):
    """By time stamps, and what is gone by naming all that are there."""
    server = make_slapd()
    fill(server)
    folder = folder_for(tmp_path, server, "openldap", "delta: compare")
    run(folder, "full-import")
    server.add(person(server, "eve", "ou=in"))
    modify(server, "cn=bob,ou=in", "delete")
    move(server, "ou=team,ou=in", "ou=team", "ou=out")
    found = run(folder, "delta-import")
    assert found["stage-add"] == 1 and found["stage-delete"] == 2
    assert names(folder) == ["ann", "eve"]
    unchanged(folder)


def test_rubbish(tmp_path, kept):
    folder = folder_for(tmp_path, kept.server, kept.kind)
    run(folder, "full-import")
    path = next((folder.path / "state").glob("*.db"))
    with sqlite3.connect(path) as store:
        store.execute("UPDATE meta SET value = ? WHERE key = 'watermark.dir'",
                      (b"sync\nrubbish\n",))
    full_import_required(folder)


def test_trimmed_log(tmp_path, dirsrv):
    """Entries of the change log went before they were read."""
    for dn in sorted(dirsrv.search(), key=len, reverse=True):
        if dn != dirsrv.base:
            dirsrv.client("ldapdelete", dn)
    fill(dirsrv)
    folder = folder_for(tmp_path, dirsrv, "sun")
    run(folder, "full-import")
    modify(dirsrv, "cn=bob,ou=in", "delete")
    modify(dirsrv, "cn=ann,ou=in", "modify\nreplace: title\ntitle: x")
    log = dirsrv.search("(changeNumber=*)", "changeNumber",
                        base="cn=changelog")
    numbers = sorted(int(entry["changeNumber"][0]) for entry in log.values())
    for number in numbers[:-1]:
        dirsrv.client("ldapdelete", f"changenumber={number},cn=changelog")
    dirsrv.stop()
    dirsrv.start()
    message = full_import_required(folder)
    assert "trimmed" in message
    assert run(folder, "full-import")["stage-delete"] == 1
    assert run(folder, "delta-import") == {}


def test_log_of_another_server(tmp_path, dirsrv):
    """Numbers of its log mean nothing elsewhere."""
    folder = folder_for(tmp_path, dirsrv, "sun")
    run(folder, "full-import")
    folder.replace("agents/dir.yaml", "127.0.0.1", "localhost")
    assert "of another server" in full_import_required(folder)


@pytest.mark.parametrize("kind", ["openldap", "sun"])
def test_document(tmp_path, kind):
    """What the reference shows is right."""
    text = (ROOT / f"docs/reference/connectors/{kind}.md").read_text()
    folder = Folder(tmp_path / "conf")
    folder.write("conjoin.yaml", MAIN)
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)
    folder.write("agents/dir.yaml", shown)
    folder.ok("check")
    found = folder.ok("help", "connector", kind).out
    for setting in re.findall(r"^\| `(\w+)` \|", text.split("## Delta")[0],
                              re.M):
        assert setting in found
