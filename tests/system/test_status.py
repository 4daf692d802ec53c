"""How things stand, and a store whose process is gone.

SPDX-License-Identifier: Apache-2.0
"""
import os
import signal
import socket

import pytest

from helpers import demo_folder


@pytest.fixture
def demo(tmp_path):
    folder = demo_folder(tmp_path / "demo")
    folder.ok("cycle")
    return folder


def agents(folder, status=0, *words):
    out = folder.json("status", *words, status=status)
    assert out["exit"] == status
    return {agent["agent"]: agent for agent in out["agents"]}


def test_all_is_well(demo):
    out = demo.json("status")
    assert out["store"]["kind"] == "sqlite"
    assert out["store"]["name"].endswith("state/conjoin.db")
    assert out["store"]["bytes"] > 8192 and out["store"]["version"] >= 2
    assert out["holder"] is None and out["exit"] == 0
    assert [agent["agent"] for agent in out["agents"]] == \
        ["hr", "phone", "teams", "directory"]
    for agent in out["agents"]:
        assert agent["state"] == "ok"
        assert agent["last_run"]["result"] == "success"
        assert agent["last_run"]["age_seconds"] < 600
        assert agent["pending_exports"] == agent["errors"] == 0
    kinds = {step["kind"] for step in out["agents"][3]["steps"]}
    assert kinds == {"full-import", "delta-sync", "export"}
    text = demo.ok("status").out
    assert "running  nothing" in text and "directory" in text


def test_before_the_first_run(tmp_path):
    folder = demo_folder(tmp_path / "demo")
    done = folder.ok("status", status=2)
    assert "run an import first" in done.err
    folder.ok("run", "teams", "full-import")
    found = agents(folder)
    assert found["teams"]["state"] == "ok"
    assert found["teams"]["pending_imports"] > 0
    assert found["hr"]["state"] == "never-run"
    assert found["hr"]["last_run"] is None


def test_late(demo):
    assert agents(demo, 0, "--max-age", "1 hour")["hr"]["state"] == "ok"
    demo.ok("status", "--max-age", "yesterday", status=2)
    env = {**os.environ, "CONJOIN_FAKE_TIME": "2099-01-01T00:00:00Z"}
    done = demo.conjoin("status", "--json", "--max-age", "1 hour", env=env)
    assert done.status == 4
    assert {agent["state"] for agent in done.json["agents"]} == {"late"}
    assert demo.conjoin("status", env=env).status == 0


def test_errors(demo):
    demo.replace("data/hr.csv", "1020,", "1020,too,few\n9,")
    demo.ok("run", "hr", "full-import", status=1)
    found = agents(demo, 1)
    assert found["hr"]["state"] == "errors"
    assert found["phone"]["state"] == "ok"


def test_a_guard_counts_until_the_next_export(demo):
    """Whatever is imported and synchronized meanwhile."""
    lines = demo.read("data/hr.csv").splitlines(keepends=True)
    demo.write("data/hr.csv", "".join(lines[:-60]))
    demo.conjoin("run", "hr", "full-import-full-sync")
    demo.ok("run", "directory", "export", status=3)
    demo.ok("run", "directory", "full-import")
    found = agents(demo, 3)["directory"]
    assert found["state"] == "stopped" and found["pending_exports"] > 0
    assert found["last_run"]["result"] == "success"
    stopped = [step for step in found["steps"] if step["kind"] == "export"]
    assert stopped[0]["message"]
    text = demo.ok("status", status=3).out
    assert stopped[0]["result"] in text


def test_a_failed_import(demo):
    (demo.path / "data/phone.csv").unlink()
    demo.conjoin("run", "phone", "full-import")
    assert agents(demo, 4)["phone"]["state"] == "failed"
    assert "no-start-file-not-found" in demo.ok("status", status=4).out


def test_going_on_and_died(going_on):
    folder, process = going_on
    out = folder.json("status")
    assert out["holder"]["process"] == process.pid
    assert out["holder"]["host"] == socket.gethostname()
    assert out["holder"]["what"] == "hr full-import"
    assert agents(folder)["hr"]["state"] == "going-on"
    assert str(process.pid) in folder.ok("status").out
    # a process that lives is not overtaken where its lock is a file's
    done = folder.ok("activate", status=5)
    assert f"kill {process.pid}" in done.err
    out = folder.json("activate", status=5)
    assert out["holder"]["process"] == process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert agents(folder, 4)["hr"]["state"] == "died"
    assert "run hr full-import" in folder.ok("status", status=4).out
    out = folder.json("activate")
    assert out["taken_over_from"] is None
    assert out["died"]["agent"] == "hr"
    done = folder.ok("activate")
    assert "nobody holds the store" in done.out
    assert "run hr full-import" in done.out
    folder.ok("run", "hr", "full-import", "--wait", "0")
    assert agents(folder)["hr"]["state"] == "ok"
    assert "come to its end" in folder.ok("activate").out


def test_an_agent_that_left(demo):
    """It is shown, and does not raise an alarm for ever."""
    demo.replace("data/hr.csv", "1020,", "1020,too,few\n9,")
    demo.ok("run", "hr", "full-import", status=1)
    found = agents(demo, 1)
    assert found["hr"]["configured"] is True
    demo.replace("conjoin.yaml", "[hr, phone", "[phone")
    for other in ("agents/phone.yaml", "agents/teams.yaml"):
        assert (demo.path / other).exists()
    done = demo.conjoin("status", "--json")
    assert {agent["agent"]: agent["configured"]
            for agent in done.json["agents"]}["hr"] is False
