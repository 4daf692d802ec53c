"""Initial passwords: sealed in the store, shown nowhere, handed over.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re
import stat

import pytest

from helpers import Folder, counted

CONFIG = """\
conjoin: 1
agents: [hr, dir]
guards: { export: { deletions: 1 } }
metaverse:
  person:
    attributes: { employeeID: { type: string, index: true }, name: string }
    delete: { when: projected }
"""
HR = """\
type: csv
connect: { path: data/hr.csv, anchor: id }
objects:
  person:
    metaverse: person
    project: true
    import: { employeeID: id, name: name }
"""
DIR = """\
type: memory
connect: { path: out/dir.ldif }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    provision:
      dn: '"uid=" & [employeeID] & ",dc=corp,dc=test"'
      initial: { userPassword: 'RandomPassword(24)' }
      deliver: %s
    export: { displayName: name }
    deprovision: delete
"""
PEOPLE = "id,name\nE1,Ann\nE2,Bob\n"


def folder_with(path, deliver):
    folder = Folder(path / "corp")
    folder.write("conjoin.yaml", CONFIG)
    folder.write("agents/hr.yaml", HR)
    folder.write("agents/dir.yaml", DIR % deliver)
    folder.write("data/hr.csv", PEOPLE)
    folder.ok("check")
    folder.ok("run", "hr", "full-import-full-sync")
    return folder


def passwords(folder):
    """Who has which password in the directory."""
    text = folder.read("out/dir.ldif")
    return dict(re.findall(r"^dn: (\S+)$.*?^userPassword: (\S+)$", text,
                           re.M | re.S))


def assert_nowhere(folder, secrets, *except_for):
    """Neither in a file of the folder nor in what commands print."""
    for path in folder.path.rglob("*"):
        if path.is_file() and path.name not in except_for:
            data = path.read_bytes()
            for secret in secrets:
                assert secret.encode() not in data, path
    for words in (["pending"], ["runs"], ["errors"], ["search", "cs", "dir"],
                  ["explain", "dir", "uid=E1,dc=corp,dc=test"],
                  ["preview", "dir", "uid=E1,dc=corp,dc=test"]):
        for form in ([], ["--json"]):
            done = folder.conjoin(*words, *form)
            for secret in secrets:
                assert secret not in done.out + done.err, words


@pytest.fixture
def key(tmp_path):
    folder = Folder(tmp_path)
    public = folder.ok("secret", "keypair", tmp_path / "helpdesk.key")
    return public.out.split()[0]


def opened(folder, tmp_path, status=0):
    done = folder.ok("secret", "open", folder.path / "out/new",
                     tmp_path / "helpdesk.key", status=status)
    return [json.loads(line) for line in done.out.splitlines()
            if line.startswith("{")]


def test_sealed_for_a_key(tmp_path, key):
    folder = folder_with(tmp_path, f"{{ file: out/new, to: {key} }}")
    mode = (tmp_path / "helpdesk.key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    pending = folder.json("pending", "dir")["exports"][0]["pending_export"]
    assert pending["attributes"]["userPassword"] == ["(secret)"]
    step = folder.step("dir", "export")
    assert counted(step) == {"export-add": 2}
    there = passwords(folder)
    assert len(there) == 2 and len(set(there.values())) == 2
    assert all(len(password) == 24 for password in there.values())
    lines = opened(folder, tmp_path)
    assert {line["dn"]: line["values"]["userPassword"]
            for line in lines} == there
    assert {line["attributes"]["displayName"] for line in lines} == {
        "Ann", "Bob"}
    assert len({line["id"] for line in lines}) == 2
    assert_nowhere(folder, there.values(), "dir.ldif")
    # it is not awaited, and nothing is told twice
    folder.ok("run", "dir", "full-import")
    folder.ok("run", "dir", "delta-sync")
    assert folder.json("pending", "dir")["exports"] == []
    folder.ok("cycle")
    assert len(opened(folder, tmp_path)) == 2


def test_in_the_store_before_the_export(tmp_path, key):
    """What was sealed is what arrives; the files hold no text of it."""
    folder = folder_with(tmp_path, f"{{ file: out/new, to: {key} }}")
    files = b"".join(path.read_bytes()
                     for path in (folder.path / "state").iterdir()
                     if path.is_file())
    folder.ok("run", "dir", "export")
    for password in passwords(folder).values():
        assert password.encode() not in files


def test_tried_again(tmp_path, key):
    folder = folder_with(tmp_path, f"{{ file: out/new, to: {key} }}")
    (folder.path / "out/new").mkdir(parents=True)
    step = folder.step("dir", "export")
    assert step["result"] == "completed-warnings"
    assert "2 initial passwords could not be handed over" in step["message"]
    assert counted(step) == {"export-add": 2}
    (folder.path / "out/new").rmdir()
    step = folder.step("dir", "export")
    assert step["result"] == "success" and counted(step) == {}
    assert len(opened(folder, tmp_path)) == 2
    folder.ok("run", "dir", "export")
    assert len(opened(folder, tmp_path)) == 2


def test_lines_of_others_are_told_apart(tmp_path, key):
    folder = folder_with(tmp_path, f"{{ file: out/new, to: {key} }}")
    folder.write("out/new", "AAAA\n")
    folder.ok("run", "dir", "export")
    assert len(opened(folder, tmp_path, status=1)) == 2


def test_a_command_is_told(tmp_path):
    folder = folder_with(
        tmp_path, "{ command: [./tell, 'an argument'], timeout: 20 }")
    folder.write("tell", "#!/bin/sh\n"
                 "echo \"$@\" $(pwd) $0 >>args\ncat >>told\n"
                 "echo >>told\necho noise\n")
    step = folder.step("dir", "export")
    assert "'./tell'" in step["message"]
    (folder.path / "tell").chmod(0o755)
    assert folder.step("dir", "export")["result"] == "success"
    lines = [json.loads(line)
             for line in folder.read("told").splitlines()]
    there = passwords(folder)
    assert {line["dn"]: line["values"]["userPassword"]
            for line in lines} == there
    assert folder.read("args").splitlines() == [
        f"an argument {folder.path} ./tell"] * 2
    assert_nowhere(folder, there.values(), "dir.ldif", "told")


def test_a_command_that_fails_or_hangs(tmp_path):
    folder = folder_with(tmp_path,
                         "{ command: [sh, -c, 'exit 3'], timeout: 1 }")
    step = folder.step("dir", "export")
    assert "2 initial passwords" in step["message"]
    assert "'sh' ended with status 3" in step["message"]
    folder.replace("agents/dir.yaml", "exit 3", "sleep 60 & wait")
    step = folder.step("dir", "export")
    assert "took longer than 1 seconds" in step["message"]
    folder.replace("agents/dir.yaml", "sleep 60 & wait", "kill -9 $$")
    assert "by signal 9" in folder.step("dir", "export")["message"]
    folder.replace("agents/dir.yaml", "kill -9 $$", "exit 0")
    assert folder.step("dir", "export")["result"] == "success"


def test_a_lost_key(tmp_path, key):
    folder = folder_with(tmp_path, f"{{ file: out/new, to: {key} }}")
    path = folder.path / "state/key"
    kept = path.read_bytes()
    path.unlink()
    step = folder.step("dir", "export", status=1)
    assert {error["code"] for error in step["errors"]} == {
        "encryption-key-lost"}
    path.write_bytes(bytes(32))
    path.chmod(0o600)
    step = folder.step("dir", "export", status=1)
    assert "another key" in step["errors"][0]["message"]
    path.write_bytes(kept)
    assert counted(folder.step("dir", "export")) == {"export-add": 2}


def test_killed_before_it_is_forgotten(tmp_path):
    """Told again, with the same id: at least once."""
    folder = folder_with(
        tmp_path, "{ command: [sh, -c, 'cat >>told; kill -9 $PPID'] }")
    done = folder.conjoin("run", "dir", "export")
    assert done.status == -9
    folder.replace("agents/dir.yaml", "; kill -9 $PPID", "")
    assert folder.step("dir", "export")["result"] == "success"
    told = re.findall(r'"id":"([^"]*)"', folder.read("told"))
    assert len(told) == 3 and len(set(told)) == 2


def test_who_used_a_token(tmp_path, key):
    folder = folder_with(tmp_path, f"{{ file: out/new, to: {key} }}")
    folder.ok("cycle")
    folder.write("data/hr.csv", "id,name\nE3,Cy\n")
    folder.replace("conjoin.yaml", "guards: {", "guards: { import: "
                   "{ deletions: off },")
    folder.ok("run", "hr", "full-import-delta-sync")
    token = folder.step("dir", "export", status=3)["token"]
    run = folder.json("run", "dir", "export", "--allow", token)["run"]
    shown = folder.json("runs", run)
    assert [(one["token"], one["user"]) for one in shown["allowed"]] == [
        (token, shown["user"])]
    assert f"with the token {token}" in folder.ok("runs", run).out
    other = folder.json("run", "dir", "export")["run"]
    assert folder.json("runs", other)["allowed"] == []
