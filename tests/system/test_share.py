"""A full synchronization that several processes share ends as one alone.

Copies of a folder are synchronized by one process and by several; counters,
history, errors and all that is in the store must be the same.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import struct
import subprocess

import pytest

from helpers import CONJOIN, Folder, demo_folder, metaverse, take_changes
from test_rule_changes import (FIRST, ROUNDS, agents_of, changed, choose,
                               state, write_people, write_rules)

PEOPLE = 6000


def copy(folder, path):
    shutil.copytree(folder.path, path)
    return Folder(path)


def outcome(folder, agent, *words):
    """What a full synchronization says that it did."""
    done = folder.conjoin("run", agent, "full-sync", *words, "--json")
    assert done.status in (0, 1), done
    out = done.json
    for step in out["steps"]:
        for name in ("milliseconds", "seconds", "started", "ended"):
            step.pop(name, None)
    return done.status, out["result"], [
        (step["kind"], step["result"], step["counters"],
         step.get("outbound"), step["errors"]) for step in out["steps"]]


def rows(folder, *tables):
    """Rows of tables whose numbers do not depend on chance."""
    with sqlite3.connect(folder.path / "state/conjoin.db") as store:
        return {table: sorted(store.execute(f"SELECT {what} FROM {table}"))
                for table, what in tables}


EXACT = (("queue", "*"), ("mv_queue", "*"), ("pending_import", "cs, op"),
         ("pending_export", "cs, op, attrs"), ("link", "cs, mv, rule_set,"
                                               " state, how, wanted"),
         ("cs_error", "cs, kind, code, message, count"),
         ("mv", "id, type, image"), ("mv_ref", "*"), ("mv_wait", "*"),
         ("mv_key", "*"), ("cs_key", "*"), ("due", "kind, id, time, why"),
         ("past", "object, kind, type, what"))


def same(one, several, agents, processes="3"):
    for agent in agents:
        assert outcome(one, agent) == \
            outcome(several, agent, "--processes", processes), agent
    assert rows(one, *EXACT) == rows(several, *EXACT)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + ROUNDS))
def test_whatever_the_rules_are(tmp_path, seed):
    """Random rules and people; what changed is staged, rules change too."""
    rng = random.Random(seed)
    folder = Folder(tmp_path / "before")
    rules = choose(rng)
    write_people(folder, rng)
    write_rules(folder, rules)
    for _ in range(2):
        folder.conjoin("cycle", "--json")
    for step in range(3):
        rules, names = changed(rng, rules)
        print(f"seed {seed} step {step}: {names}")
        write_rules(folder, rules, rules["hr was"])
        if rng.random() < .6:
            write_people(folder, rng)
            for agent in ("hr", "phone"):
                folder.conjoin("run", agent, "full-import", "--json")
        agents = agents_of(rules)
        one = copy(folder, tmp_path / f"one{step}")
        several = copy(folder, tmp_path / f"several{step}")
        for _ in range(2):
            for agent in agents:
                assert outcome(one, agent) == outcome(
                    several, agent, "--processes", "2"), (agent, names)
        assert state(one, agents) == state(several, agents), names
        folder.conjoin("cycle", "--json")


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    folder = demo_folder(tmp_path_factory.mktemp("company") / "demo", PEOPLE)
    folder.ok("cycle")
    return folder


AGENTS = ("hr", "phone", "teams", "directory")


def test_nothing_changed(company, tmp_path):
    one = copy(company, tmp_path / "one")
    several = copy(company, tmp_path / "several")
    same(one, several, AGENTS)
    assert outcome(several, "hr", "--processes", "2")[2][0][2][
        "connector-no-flow"] > PEOPLE * .9


def test_some_changed(company, tmp_path):
    one = copy(company, tmp_path / "one")
    take_changes(one)
    for agent in AGENTS[:3]:
        one.ok("run", agent, "full-import")
    several = copy(one, tmp_path / "several")
    for agent in AGENTS:
        assert outcome(one, agent) == \
            outcome(several, agent, "--processes", "3"), agent
    assert metaverse(one, "person") == metaverse(several, "person")
    assert metaverse(one, "group") == metaverse(several, "group")


def test_most_are_new(tmp_path):
    """The processes say soon that there is nothing for them to do."""
    one = demo_folder(tmp_path / "one", PEOPLE)
    for agent in AGENTS[:3]:
        one.ok("run", agent, "full-import")
    several = copy(one, tmp_path / "several")
    for agent in AGENTS[:3]:
        assert outcome(one, agent) == \
            outcome(several, agent, "--processes", "2"), agent
    assert metaverse(one, "person") == metaverse(several, "person")


def helpers_of(process):
    """The processes that it started."""
    path = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        return [int(pid) for pid in path.read_text().split()]
    except OSError:
        return []


def arguments(pid):
    """Those that the leading process gave it."""
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return [word.decode() for word in words[1:-1]]


def test_what_a_process_finds(company, tmp_path):
    """Asked for all objects at once it tells which stay as they are."""
    folder = copy(company, tmp_path / "one")
    process = subprocess.Popen(
        folder.command("run", "hr", "full-sync", "--processes", "2"),
        stdout=subprocess.DEVNULL)
    words = []
    while process.poll() is None and words[:1] != ["share"]:
        words = next((arguments(pid) for pid in helpers_of(process)), [])
    assert process.wait(timeout=120) == 0
    assert words[0] == "share"
    number = sqlite3.connect(folder.path / "state/conjoin.db").execute(
        "SELECT number FROM name WHERE kind = 3 AND name = 'hr'").fetchone()
    first = number[0] << 40
    done = subprocess.run([CONJOIN, *words], check=True, timeout=120,
                          input=f"{first + 1} {first + 100000}\n".encode(),
                          stdout=subprocess.PIPE)
    objects, others, targets = struct.unpack_from("=3q", done.stdout)
    assert len(done.stdout) == 8 * (3 + objects + others + targets)
    assert objects > PEOPLE * .9 and objects + others == PEOPLE
    assert targets == objects


@pytest.mark.parametrize("victims", [1, 2])
def test_who_is_killed_is_not_missed(company, tmp_path, victims):
    one = copy(company, tmp_path / "one")
    several = copy(company, tmp_path / "several")
    expected = outcome(one, "hr")
    process = subprocess.Popen(
        several.command("run", "hr", "full-sync", "--processes", "2",
                        "--json"), stdout=subprocess.PIPE)
    while process.poll() is None and len(helpers_of(process)) < 2:
        pass
    killed = helpers_of(process)[:victims]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert len(killed) == victims
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert outcome(several, "hr") == expected
    step = json.loads(out)["steps"][0]
    assert step["counters"] == expected[2][0][2]
    assert step["outbound"] == expected[2][0][3]
    assert rows(one, *EXACT) == rows(several, *EXACT)


def test_rules_that_change_meanwhile(company, tmp_path):
    """A process that reads other rules than the run's does nothing."""
    folder = copy(company, tmp_path / "one")
    done = folder.conjoin("share", "hr", "0" * 32, "1")
    assert done.status == 2 and "has changed since the run began" in done.err
    assert not done.out


def test_how_many(company):
    for number in ("0", "65", "-1", "many"):
        done = company.conjoin("run", "hr", "full-sync", "--processes",
                               number)
        assert done.status == 2, done
