"""What an administrator does around runs: backup, restore, copy.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import shutil
import signal
import stat

import pytest

from helpers import ROOT, demo_folder, metaverse, take_changes

AGENTS = ["hr", "phone", "teams", "directory"]


@pytest.fixture
def demo(tmp_path):
    folder = demo_folder(tmp_path / "demo")
    folder.ok("cycle")
    return folder


def leftovers(folder):
    return [path.name for path in folder.rglob("*") if ".tmp" in path.name]


# ---- backup and restore ----

def test_backup(demo, tmp_path):
    file = tmp_path / "safe" / "monday.db"
    out = demo.json("backup", file)
    last = demo.json("runs")["runs"][0]
    assert out["file"] == str(file)
    assert out["bytes"] == file.stat().st_size
    assert out["last_run"]["run"] == last["run"]
    assert out["last_run"]["agent"] == last["agent"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["monday.db"]
    # it is a store that commands can look at, and may be replaced
    before = metaverse(demo, "person")
    demo.ok("backup", file)
    demo.replace("conjoin.yaml", "sqlite:state/conjoin.db", f"sqlite:{file}")
    assert metaverse(demo, "person") == before


def test_backup_refuses_what_it_would_destroy(demo):
    done = demo.ok("backup", demo.path / "conjoin.yaml", status=2)
    assert "no backup" in done.err
    done = demo.ok("backup", demo.path / "state/conjoin.db", status=2)
    assert "the store itself" in done.err
    done = demo.ok("backup", "/proc/nowhere/x.db", status=2)
    assert "/proc/nowhere" in done.err
    assert demo.json("check")["errors"] == 0
    assert not leftovers(demo.path)


def test_backup_during_a_run(tmp_path):
    """The run is not held up, and the copy is one that can be worked on."""
    folder = demo_folder(tmp_path / "demo", 20000)
    for agent in AGENTS[:3]:
        folder.ok("run", agent, "full-import")
    process = folder.start("run", "hr", "full-sync")
    count = 0
    while process.poll() is None:
        folder.ok("backup", tmp_path / f"{count % 3}.db")
        count += 1
    assert process.returncode == 0
    assert count
    (folder.path / "state/conjoin.db").unlink()
    shutil.copy(tmp_path / f"{(count - 1) % 3}.db",
                folder.path / "state/conjoin.db")
    folder.ok("run", "hr", "full-sync")
    assert folder.json("search", "mv", "person", "--limit", "1")["count"] > 0


def test_restore(demo, tmp_path):
    """The older state, and from there what the systems have become."""
    file = tmp_path / "monday.db"
    demo.ok("backup", file)
    before = metaverse(demo, "person")
    take_changes(demo)
    demo.ok("cycle")
    after = metaverse(demo, "person")
    written = demo.read("out/directory.ldif")
    assert after != before
    out = demo.json("restore", file)
    assert metaverse(demo, "person") == before
    kept = pathlib.Path(out["kept"])
    assert kept.parent == demo.path / "state" and kept.exists()
    assert not leftovers(demo.path)
    done = demo.ok("run", "hr", "delta-import", status=4)
    assert "no-start-full-import-required" in done.out
    # somebody's new name is taken until the target's own synchronization
    # has linked the entry that was renamed
    done = demo.json("cycle", status=1)
    errors = [error["code"] for run in done["runs"] for step in run["steps"]
              for error in step["errors"]]
    assert set(errors) == {"object-already-exists"}
    demo.ok("cycle")
    assert metaverse(demo, "person") == after
    assert demo.read("out/directory.ldif") == written
    assert demo.json("pending", "--exports")["exports"] == []
    assert demo.json("errors")["errors"] == []
    # and the one of before once more
    demo.ok("restore", kept)
    assert metaverse(demo, "person") == after


def test_restore_on_another_machine(demo, tmp_path):
    file = tmp_path / "monday.db"
    demo.ok("backup", file)
    other = demo_folder(tmp_path / "other")
    out = other.json("restore", file)
    assert out["kept"] is None
    assert metaverse(other, "person") == metaverse(demo, "person")
    assert stat.S_IMODE((other.path / "state/conjoin.db").stat().st_mode) \
        == 0o600


def test_restore_says_what_to_do(demo, tmp_path):
    file = tmp_path / "monday.db"
    demo.ok("backup", file)
    done = demo.ok("restore", file)
    for agent in AGENTS:
        assert f"run {agent} full-import" in done.out
    assert "pending --exports" in done.out
    assert "before-restore" in done.out


def test_restore_is_refused_during_a_run(tmp_path):
    folder = demo_folder(tmp_path / "demo", 20000)
    folder.ok("run", "teams", "full-import")
    folder.ok("backup", tmp_path / "b.db")
    process = folder.start("run", "hr", "full-import")
    try:
        while not (lock := folder.conjoin("restore", tmp_path / "b.db")).err:
            assert process.poll() is None, "too fast"
        assert lock.status == 5 and "a run works on the store" in lock.err
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("damage", ["cut", "bytes", "text", "gone"])
def test_restore_refuses_a_damaged_file(demo, tmp_path, damage):
    file = tmp_path / "monday.db"
    demo.ok("backup", file)
    before = metaverse(demo, "person")
    data = file.read_bytes()
    if damage == "cut":
        file.write_bytes(data[:len(data) // 2])
    elif damage == "bytes":
        page = 8192
        file.write_bytes(data[:20 * page] + os.urandom(30 * page)
                         + data[50 * page:])
    elif damage == "text":
        file.write_text("nothing\n")
    else:
        file.unlink()
    done = demo.conjoin("restore", file)
    assert done.status in (2, 4) and "monday.db" in done.err
    assert metaverse(demo, "person") == before
    assert not leftovers(demo.path)
    assert not list((demo.path / "state").glob("*before-restore*"))


# ---- store copy ----

def test_store_copy(demo, tmp_path):
    """The copy takes the place of the store, and nothing has changed."""
    copy = tmp_path / "copy.db"
    out = demo.json("store", "copy", demo.path / "state/conjoin.db",
                    f"sqlite:{copy}")
    assert out["rows"] > 1000 and out["run_going_on"] is False
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    before = metaverse(demo, "person")
    runs = demo.json("runs", "--limit", "0")
    demo.replace("conjoin.yaml", "sqlite:state/conjoin.db", f"sqlite:{copy}")
    assert metaverse(demo, "person") == before
    assert demo.json("runs", "--limit", "0") == runs
    take_changes(demo)
    demo.ok("cycle")
    assert metaverse(demo, "person") != before


def test_store_copy_refusals(demo, tmp_path):
    store = demo.path / "state/conjoin.db"
    done = demo.ok("store", "copy", store, store, status=2)
    assert "not empty" in done.err
    done = demo.ok("store", "copy", tmp_path / "no.db", tmp_path / "x.db",
                   status=2)
    assert "no.db" in done.err and not (tmp_path / "x.db").exists()
    demo.ok("store", "copy", store, status=2)
    demo.ok("store", "move", store, tmp_path / "x.db", status=2)
    done = demo.ok("store", "copy", store, "oracle:x", status=2)
    assert "oracle:x" in done.err


# ---- documents ----

def test_backup_howto(demo, tmp_path):
    """Its commands, in their order, with a file of ours."""
    text = (ROOT / "docs/how-to/backup.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    conjoin (.+?)(?:\s{2,}#.*)?$", text, re.M)
    assert len(commands) >= 8
    for command in commands:
        words = command.replace("/backup/", f"{tmp_path}/").split()
        if "<" in words:
            words = words[:words.index("<")]
        if words[0] == "run" and words[1] == "AGENT":
            for agent in AGENTS:
                demo.ok("run", agent, words[2])
        elif words[0] != "key":
            demo.ok(*words, cwd=demo.path)
