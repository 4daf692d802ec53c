"""One run at a time writes; who comes second is told who is at work.

SPDX-License-Identifier: Apache-2.0
"""
import os
import signal
import socket

import pytest

from helpers import demo_folder


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


def test_second_run_is_refused(going_on):
    folder, process = going_on
    done = folder.ok("run", "hr", "full-import", "--wait", "0", status=5)
    for fact in ("hr", str(process.pid), socket.gethostname()):
        assert fact in done.err
    done = folder.ok("cycle", "--wait", "0", "--json", status=5)
    assert "error" in done.json


def test_reading_is_never_refused(going_on):
    folder, _ = going_on
    folder.ok("search", "mv", "person")
    folder.ok("pending")
    folder.ok("runs")
    folder.ok("check")


def test_waits_for_its_turn(going_on):
    folder, process = going_on
    second = folder.start("run", "phone", "full-import", "--wait", "60")
    process.send_signal(signal.SIGCONT)
    process.wait()
    assert process.returncode == 0
    _, complaint = second.communicate(timeout=60)
    assert second.returncode == 0, complaint


def test_a_dead_run_holds_nothing(going_on):
    folder, process = going_on
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert folder.json("runs")["runs"][0]["state"] == "died"
    folder.ok("run", "hr", "full-import", "--wait", "0")
