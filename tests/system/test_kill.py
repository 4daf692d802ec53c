"""A run may be killed at any moment, run again, and nothing is lost or doubled.

The same two days of a company are lived through twice: once undisturbed, once
with kill -9 at many moments of every step.  The ends must be the same.

SPDX-License-Identifier: Apache-2.0
"""
import random
import resource
import signal
import subprocess
import time

import pytest

from helpers import Folder, demo_folder, metaverse, take_changes

PEOPLE = 3000
KILLS = 12  # of each step
SEED = 20261121

FIRST_DAY = [("hr", "full-import"), ("phone", "full-import"),
             ("teams", "full-import"), ("hr", "full-sync"),
             ("phone", "full-sync"), ("teams", "full-sync"),
             ("directory", "export"), ("directory", "full-import"),
             ("directory", "delta-sync")]
SECOND_DAY = [("hr", "delta-import"), ("teams", "full-import"),
              ("hr", "delta-sync"), ("teams", "delta-sync"),
              ("directory", "export"), ("directory", "delta-import"),
              ("directory", "delta-sync"), ("directory", "export"),
              ("directory", "full-import"), ("directory", "delta-sync")]


def second_day(folder):
    """The demo's four events, and a few hundred more of them; other rules."""
    take_changes(folder)
    folder.replace("agents/directory.yaml", "title:            title",
                   "title:            'UCase([title])'")
    folder.replace("agents/directory.yaml", "deprovision: delete   ",
                   "deprovision: { after: 30 days, then: delete, meanwhile: "
                   "{ title: NULL } }")
    rows = folder.read("data/hr.csv").splitlines()
    delta = folder.read("data/hr-delta.csv").splitlines()
    for i in range(40, len(rows) - 2, 7):
        number, first, last, rest = rows[i].split(",", 3)
        kind = i % 3
        if kind == 0:
            rows[i] = f"{number},{first},{last}-Lindt,{rest}"
        elif kind == 1:
            rows[i] = rows[i].replace("Sales", "Purchasing")
        else:
            rows[i] = rows[i][:-1] + "T"
        delta.append(rows[i] + ",Modify")
    folder.write("data/hr.csv", "\n".join(rows) + "\n")
    folder.write("data/hr-delta.csv", "\n".join(delta) + "\n")


def live(folder, run):
    for agent, profile in FIRST_DAY:
        run(folder, agent, profile)
    second_day(folder)
    for agent, profile in SECOND_DAY:
        run(folder, agent, profile)
    folder.ok("cycle")


def outcome(folder):
    """All that is to be the same, however one came there."""
    pending = folder.json("pending")
    assert not pending["imports"] and not pending["exports"]
    assert not folder.json("errors")["errors"]
    directory = folder.ldif("out/directory.ldif", "out/changes.ldif")
    return {
        "directory": {dn: {name: sorted(values)
                           for name, values in entry.items()}
                      for dn, entry in directory.items()},
        "person": metaverse(folder, "person"),
        "group": metaverse(folder, "group"),
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The outcome, and how long each step took."""
    folder = demo_folder(tmp_path_factory.mktemp("undisturbed"), PEOPLE)
    times = {}

    def run(folder, agent, profile):
        begin = time.monotonic()
        folder.ok("run", agent, profile)
        times[agent, profile] = time.monotonic() - begin

    live(folder, run)
    return outcome(folder), times


def test_killed_at_any_moment(tmp_path, undisturbed):
    expected, times = undisturbed
    chance = random.Random(SEED)
    killed = 0

    def run(folder, agent, profile):
        nonlocal killed
        for _ in range(KILLS):
            process = folder.start("run", agent, profile)
            try:
                process.wait(times[agent, profile] * chance.random())
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.communicate()
            if process.returncode != -signal.SIGKILL:
                break
        folder.ok("run", agent, profile)

    folder = demo_folder(tmp_path, PEOPLE)
    live(folder, run)
    found = outcome(folder)
    assert killed >= len(FIRST_DAY + SECOND_DAY)
    for part, value in expected.items():
        assert found[part] == value, f"{part} differs, seed {SEED}"


def too_big(size):
    """In the program: no file may grow past `size` bytes."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


@pytest.mark.parametrize("size", [100_000, 300_000, 700_000])
def test_disk_full(tmp_path, undisturbed, size):
    """A disk that is full is told in a sentence; with room, all goes on."""
    expected, _ = undisturbed
    full = 0

    def run(folder, agent, profile):
        nonlocal full
        done = folder.conjoin("run", agent, profile,
                              preexec_fn=too_big(size), restore_signals=False)
        if done.status != 0:
            assert done.status == 4, done
            assert done.err.strip(), "nothing was said"
            full += 1
        folder.ok("run", agent, profile)

    folder = demo_folder(tmp_path, PEOPLE)
    live(folder, run)
    assert full > 0
    assert outcome(folder) == expected


def test_killed_before_the_store_is_there(tmp_path):
    """The very first moments, in which the store itself is made."""
    folder = Folder(tmp_path)
    demo_folder(tmp_path)
    chance = random.Random(SEED)
    for _ in range(30):
        process = folder.start("run", "teams", "full-import")
        try:
            process.wait(0.03 * chance.random())
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    folder.ok("run", "teams", "full-import")
    folder.ok("cycle")
