"""One run at a time writes; who comes second is told who is at work.

SPDX-License-Identifier: Apache-2.0
"""
import os
import signal
import socket


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
