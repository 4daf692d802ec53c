"""Several processes on one store: runs of different agents at the same time.

One of two processes is halted in the midst of its work, so that the other has
its whole run meanwhile.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import signal
import subprocess

import pytest

from conftest import wait_until
from helpers import counted, take_changes
from test_postgresql import (FAST, PEOPLE, finish, is_whole, on,  # noqa: F401
                             password, pgserver)

IMPORTS = ("teams", "hr", "phone")
WAITS = ("--wait", "0")
TYPES = {"hr": "person", "phone": "line", "teams": "team",
         "directory": "groupOfNames"}


@pytest.fixture(scope="module")
def server():
    with pgserver.Server(FAST) as running:
        yield running


def halted(server, folder, name, agent, profile, **environment):
    """A run that is halted within its step, and not while others wait for
    what it does: its types have their numbers by then."""
    def under_way():
        done = server.sql("SELECT count(*) FROM step JOIN run ON run.id ="
                          " step.run JOIN name ON name.kind = 2 AND"
                          f" name.name = '{TYPES[agent]}' WHERE"
                          " step.ended = 0 AND"
                          f" agent = '{agent}' AND process = {process.pid}",
                          name, check=False)
        return done.returncode == 0 and int(done.stdout) == 1

    process = subprocess.Popen(
        folder.command("run", agent, profile), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, **environment})
    wait_until(lambda: process.poll() is not None or under_way(), 60)
    process.send_signal(signal.SIGSTOP)
    assert process.poll() is None and under_way(), process.communicate()
    return process


def meaning(folder):
    """What is in the store, without what tells when and by which run."""
    return {agent: folder.json("search", "cs", agent, "--limit", "0")
            for agent in (*IMPORTS, "directory")}


def metaverse_of(folder):
    """Objects of the metaverse by who they are; numbers do not matter."""
    found = []
    for kind in ("person", "group"):
        out = folder.json("search", "mv", kind, "--limit", "0")
        for obj in out["objects"]:
            found.append((
                kind, obj["attributes"].get("employeeID"),
                obj["attributes"].get("name"),
                sorted((c["agent"], c["rule_set"], c["anchor"], c["dn"])
                       for c in obj["connectors"])))
    return sorted(found, key=repr)


def one_after_another(server, path):
    folder, _ = on(server, path, PEOPLE)
    for agent in IMPORTS:
        folder.ok("run", agent, "full-import")
    return folder


def test_imports_at_the_same_time(server, tmp_path):
    """All there is to be seen at the end is as if they had been one after
    another, and what follows goes the same way."""
    folder, name = on(server, tmp_path / "together", PEOPLE)
    folder.ok("run", "teams", "full-import")
    hr = halted(server, folder, name, "hr", "full-import")
    phone = halted(server, folder, name, "phone", "full-import")
    folder.ok("run", "teams", "full-import", *WAITS)
    for process in (phone, hr):
        status, complaint = finish(process)
        assert status == 0, complaint
    other = one_after_another(server, tmp_path / "apart")
    assert meaning(folder) == meaning(other)
    for each in (folder, other):
        each.ok("cycle")
    assert metaverse_of(folder) == metaverse_of(other)
    is_whole(folder)


def few_changes(folder, number):
    """Another day: some rows of each file change."""
    for file in sorted((folder.path / "data").glob("*.csv")):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        if len(lines) < 10:
            continue
        gone = lines.pop(1 + number * 7 % (len(lines) - 1))
        if number % 2:
            lines.insert(2, gone)
        file.write_text("".join(lines), encoding="utf-8")


def test_all_at_once(server, tmp_path):
    """Imports of all agents and an export begin together, day after day."""
    together, _ = on(server, tmp_path / "together")
    apart, _ = on(server, tmp_path / "apart")
    for folder in (together, apart):
        folder.replace("conjoin.yaml", "export: { deletions: 20%, above: 20 }",
                       "export: { deletions: off }")
    for day in range(6):
        for folder in (together, apart):
            few_changes(folder, day)
        runs = [(agent, "full-import") for agent in IMPORTS]
        if day:
            runs.append(("directory", "export"))
        for process in [together.start("run", *words) for words in runs]:
            _, complaint = process.communicate(timeout=120)
            assert process.returncode == 0, complaint
        for words in runs:
            apart.ok("run", *words)
        for folder in (together, apart):
            for agent in (*IMPORTS, "directory"):
                folder.ok("run", agent, "delta-sync" if day else "full-sync")
        assert metaverse_of(together) == metaverse_of(apart), day
    for folder in (together, apart):
        folder.ok("cycle")
    assert metaverse_of(together) == metaverse_of(apart)
    ids = [run["run"] for run in
           together.json("runs", "--limit", "0")["runs"]]
    assert sorted(ids) == list(range(1, len(ids) + 1))


def test_who_excludes_whom(server, tmp_path):
    folder, name = on(server, tmp_path, PEOPLE)
    folder.ok("run", "teams", "full-import")
    hr = halted(server, folder, name, "hr", "full-import")
    for words in (("run", "hr", "full-import"), ("run", "teams", "full-sync"),
                  ("run", "teams", "full-import-full-sync"), ("cycle",),
                  ("prune",)):
        done = folder.ok(*words, *WAITS, status=5)
        assert "hr full-import" in done.err and str(hr.pid) in done.err
    phone = halted(server, folder, name, "phone", "full-import")
    out = folder.json("status")
    assert [(h["agent"], h["what"], h["process"]) for h in out["holders"]] == \
        [("hr", "hr full-import", hr.pid),
         ("phone", "phone full-import", phone.pid)]
    assert out["holder"] == out["holders"][0]
    states = {a["agent"]: a["state"] for a in out["agents"]}
    assert states["hr"] == states["phone"] == "going-on"
    assert folder.ok("status").out.count("running  run ") == 2
    # who writes little about an agent whose run stands still waits for nobody
    folder.ok("errors", "retry", "teams")
    sync = subprocess.Popen(
        folder.command("run", "teams", "delta-sync", "--wait", "60"),
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for process in (phone, hr):
        assert finish(process)[0] == 0
    _, complaint = sync.communicate(timeout=120)
    assert sync.returncode == 0, complaint
    runs = folder.json("runs")["runs"]
    assert {run["state"] for run in runs} == {"ended"}
    assert len({run["run"] for run in runs}) == len(runs)


def test_a_sync_keeps_all_others_out(server, tmp_path):
    folder = one_after_another(server, tmp_path)
    name = folder.read("conjoin.yaml").split("store: ")[1].split("?")[0]
    name = name.rsplit("/", 1)[1]
    sync = halted(server, folder, name, "hr", "full-sync")
    for agent in IMPORTS:
        done = folder.ok("run", agent, "full-import", *WAITS, status=5)
        assert "hr full-sync" in done.err
    assert finish(sync)[0] == 0


def test_an_import_beside_an_export(server, tmp_path):
    folder, name = on(server, tmp_path, PEOPLE)
    for agent in IMPORTS:
        folder.ok("run", agent, "full-import")
    for agent in IMPORTS:
        folder.ok("run", agent, "full-sync")
    export = halted(server, folder, name, "directory", "export")
    take_changes(folder)
    changed = counted(folder.step("hr", "full-import"))
    assert changed["stage-add"] and changed["stage-update"]
    folder.ok("run", "directory", "full-import", *WAITS, status=5)
    status, complaint = finish(export)
    assert status == 0, complaint
    folder.ok("run", "directory", "full-import")
    assert folder.json("status")["agents"][3]["awaiting"] == 0
    folder.ok("cycle")
    is_whole(folder)


def test_a_lease_that_runs_out_is_its_agents(server, tmp_path):
    """Who took over goes on, others never noticed, and the one that was
    halted can write nothing more."""
    folder, name = on(server, tmp_path, PEOPLE)
    folder.ok("run", "teams", "full-import")
    first = halted(server, folder, name, "hr", "full-import",
                   CONJOIN_LEASE_SECONDS="5")
    phone = halted(server, folder, name, "phone", "full-import")
    folder.ok("run", "hr", "full-import", "--wait", "60")

    def numbers():
        return server.sql("SELECT agent, fencing FROM lease ORDER BY agent",
                          name).stdout

    before = numbers()
    rows = server.sql("SELECT count(*) FROM cs", name).stdout
    status, complaint = finish(first)
    assert status == 4
    assert "another process has taken over the store" in complaint
    assert numbers() == before
    assert server.sql("SELECT count(*) FROM cs", name).stdout == rows
    assert finish(phone)[0] == 0
    states = {run["run"]: run["state"] for run in folder.json("runs")["runs"]}
    assert sorted(states.values()) == ["died", "ended", "ended", "ended"]
    is_whole(folder)


def test_a_process_that_died_is_its_agents(server, tmp_path):
    folder, name = on(server, tmp_path, PEOPLE)
    folder.ok("run", "teams", "full-import")
    first = halted(server, folder, name, "hr", "full-import")
    phone = halted(server, folder, name, "phone", "full-import")
    first.kill()
    first.communicate()
    wait_until(lambda: len(folder.json("status", status=4)["holders"]) == 1)
    states = {a["agent"]: a["state"]
              for a in folder.json("status", status=4)["agents"]}
    assert (states["hr"], states["phone"]) == ("died", "going-on")
    folder.ok("run", "hr", "full-import", *WAITS)
    assert finish(phone)[0] == 0
    is_whole(folder)


def test_one_agent_is_taken_over_by_hand(server, tmp_path):
    folder, name = on(server, tmp_path, PEOPLE)
    folder.ok("run", "teams", "full-import")
    first = halted(server, folder, name, "hr", "full-import")
    phone = halted(server, folder, name, "phone", "full-import")
    out = folder.json("activate", "hr")
    assert [h["process"] for h in out["taken_over"]] == [first.pid]
    assert out["taken_over_from"]["what"] == "hr full-import"
    assert out["died"]["agent"] == "hr"
    assert finish(first)[0] == 4
    assert "nobody runs 'hr'" in folder.ok("activate", "hr").out
    assert folder.json("runs")["runs"][0]["state"] == "going-on"
    out = folder.json("activate")
    assert [h["process"] for h in out["taken_over"]] == [phone.pid]
    assert finish(phone)[0] == 4
    folder.ok("activate", "nobody", status=2)
    folder.ok("run", "hr", "full-import", *WAITS)
    is_whole(folder)


def test_a_new_name_needs_the_whole_store(server, tmp_path):
    """`was` moves what belongs to others as well."""
    folder, name = on(server, tmp_path, PEOPLE)
    folder.ok("run", "phone", "full-import")
    folder.ok("run", "teams", "full-import")
    hr = halted(server, folder, name, "hr", "full-import")
    os.rename(tmp_path / "agents/phone.yaml", tmp_path / "agents/calls.yaml")
    text = folder.read("agents/calls.yaml")
    folder.write("agents/calls.yaml", "was: phone\n" + text)
    text = folder.read("conjoin.yaml")
    folder.write("conjoin.yaml", re.sub(r"\bphone\b", "calls", text))
    folder.ok("run", "calls", "full-import", *WAITS, status=5)
    assert finish(hr)[0] == 0
    step = folder.step("calls", "full-import")
    assert set(counted(step)) == {"stage-no-change"}
