"""The store on PostgreSQL: the lease, and what can go wrong with a server.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from conftest import wait_until
from helpers import ROOT, demo_folder, take_changes

sys.path.insert(0, str(ROOT / "tools"))
import pgserver  # noqa: E402

PEOPLE = 20000
FAST = ["fsync = off", "full_page_writes = off"]


@pytest.fixture(scope="module")
def server():
    with pgserver.Server([*FAST, "listen_addresses = '127.0.0.1,127.0.0.2'"]) \
            as running:
        yield running


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", pgserver.PASSWORD)


def on(server, path, people=None):
    """The demo with its store in a new database: the folder, its name."""
    folder = demo_folder(path, people)
    name = server.database()
    put_store(folder, server.address(name))
    return folder, name


def put_store(folder, address):
    text = folder.read("conjoin.yaml")
    folder.write("conjoin.yaml",
                 re.sub(r"^store:.*$", lambda _: f"store: {address}", text,
                        flags=re.M))


def halted_in_import(server, folder, name, **environment):
    """An import that is halted after its first batches, before its end."""
    def under_way():
        """It has begun its step; most of its rows are still to come."""
        done = server.sql("SELECT count(*) FROM step WHERE ended = 0", name,
                          check=False)
        return done.returncode == 0 and int(done.stdout) == 1

    folder.ok("run", "teams", "full-import")
    process = subprocess.Popen(
        folder.command("run", "hr", "full-import"), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, **environment})
    wait_until(lambda: process.poll() is not None or under_way(), 60)
    process.send_signal(signal.SIGSTOP)
    assert process.poll() is None and under_way(), process.communicate()
    return process


def finish(process):
    process.send_signal(signal.SIGCONT)
    _, complaint = process.communicate(timeout=120)
    return process.returncode, complaint


def is_whole(folder, people=PEOPLE):
    """All people are there once; another import finds nothing to change."""
    step = folder.step("hr", "full-import")
    counters = {k: v for k, v in step["counters"].items() if v}
    assert set(counters) == {"stage-no-change"}, counters
    assert counters["stage-no-change"] >= people


def test_who_is_halted_for_longer_than_its_lease_loses_it(server, tmp_path):
    folder, name = on(server, tmp_path, PEOPLE)
    first = halted_in_import(server, folder, name, CONJOIN_LEASE_SECONDS="5")
    done = folder.ok("run", "hr", "full-import", "--wait", "0", status=5)
    assert str(first.pid) in done.err
    folder.ok("run", "hr", "full-import", "--wait", "60")
    before = server.sql("SELECT agent, fencing FROM lease ORDER BY agent",
                        name).stdout
    status, complaint = finish(first)
    assert status == 4
    assert "another process has taken over the store" in complaint
    assert server.sql("SELECT agent, fencing FROM lease ORDER BY agent",
                      name).stdout == before
    states = [run["state"] for run in folder.json("runs")["runs"]]
    assert states[:2] == ["ended", "died"], states
    is_whole(folder)


def test_a_lease_is_renewed_as_long_as_its_process_works(server, tmp_path):
    """One that waits long, but lives, is not taken for a dead one."""
    folder, name = on(server, tmp_path, 100)
    folder.ok("run", "hr", "full-import")
    silent = socket.create_server(("127.0.0.1", 0))
    folder.write("agents/hr.yaml", folder.read("agents/hr.yaml").replace(
        "data/hr.csv", f"https://127.0.0.1:{silent.getsockname()[1]}/hr.csv"))
    process = subprocess.Popen(
        folder.command("run", "hr", "full-import"),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "CONJOIN_LEASE_SECONDS": "5"})

    def held_until():
        return int(server.sql("SELECT max(held_until) FROM lease",
                              name).stdout)

    def is_running():
        return server.sql("SELECT count(*) FROM step WHERE ended = 0",
                          name).stdout == "1\n"

    wait_until(is_running, 30)
    first = held_until()
    wait_until(lambda: held_until() > first + 6000, 60)
    folder.ok("run", "teams", "full-sync", "--wait", "0", status=5)
    silent.accept()[0].close()
    silent.close()
    assert process.wait(timeout=60) == 4


def test_a_connection_that_is_cut(server, tmp_path):
    folder, name = on(server, tmp_path, PEOPLE)
    process = halted_in_import(server, folder, name)
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
               f" WHERE datname = '{name}' AND pid <> pg_backend_pid()")
    status, complaint = finish(process)
    assert status == 4
    assert "the connection to the server was lost" in complaint
    assert "run again" in complaint
    assert folder.json("runs")["runs"][0]["state"] == "died"
    folder.ok("run", "hr", "full-import")
    is_whole(folder)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT],
                         ids=["stopped", "crashed"])
def test_a_server_that_is_started_again(tmp_path, how):
    with pgserver.Server(["synchronous_commit = on"]) as server:
        folder, name = on(server, tmp_path, PEOPLE)
        process = halted_in_import(server, folder, name)
        server.stop(how)
        status, complaint = finish(process)
        assert status == 4
        assert "the connection to the server was lost" in complaint
        done = folder.ok("run", "hr", "full-import", status=4)
        assert "look whether the server runs" in done.err
        server.start()
        folder.ok("run", "hr", "full-import")
        is_whole(folder)


def test_a_disk_that_is_full(tmp_path):
    """The server's files may not grow any more; then they may again."""
    with pgserver.Server(FAST, ["--wal-segsize", "1"]) as server:
        folder, _ = on(server, tmp_path, PEOPLE)
        folder.ok("run", "teams", "full-import")
        server.stop()
        server.largest_file = 2 << 20
        server.start()
        done = folder.conjoin("run", "hr", "full-import")
        assert done.status == 4, done
        assert "cannot write to the store" in done.err
        folder.ok("run", "teams", "full-import")
        server.stop()
        server.largest_file = None
        server.start()
        folder.ok("run", "hr", "full-import")
        is_whole(folder)


def test_what_is_wrong_with_the_address_is_told(server, tmp_path,
                                                monkeypatch):
    folder, name = on(server, tmp_path)
    for address, words in [
            (server.address("nothing_here"),
             ["nothing_here", "does not exist"]),
            ("postgresql://conjoin@127.0.0.1:1/x",
             ["refused", "look whether the server runs"])]:
        put_store(folder, address)
        done = folder.ok("cycle", status=4)
        for word in words:
            assert word in done.err, done
    put_store(folder, server.tcp_address(name))
    monkeypatch.setenv("PGPASSWORD", "wrong")
    done = folder.ok("cycle", status=4)
    assert "PGPASSWORD" in done.err and "wrong" not in done.err
    put_store(folder, f"postgresql://conjoin:geheim@127.0.0.1/{name}")
    done = folder.ok("check", status=2)
    assert "has a password in it" in done.out + done.err
    assert "geheim" not in done.out + done.err


def test_a_store_of_a_newer_version(server, tmp_path):
    folder, name = on(server, tmp_path)
    folder.ok("run", "hr", "full-import")
    server.sql("UPDATE meta SET value = '99' WHERE key = 'version'", name)
    done = folder.ok("cycle", status=4)
    assert "newer version" in done.err
    assert server.sql("SELECT count(*) FROM run", name).stdout == "1\n"


def test_nothing_was_imported_yet(server, tmp_path):
    folder, _ = on(server, tmp_path)
    done = folder.conjoin("search", "mv", "person")
    assert done.status != 0 and "run an import first" in done.err


def test_who_only_looks_is_never_in_the_way(server, tmp_path):
    folder, name = on(server, tmp_path, PEOPLE)
    process = halted_in_import(server, folder, name)
    folder.ok("search", "cs", "teams")
    folder.ok("pending")
    assert folder.json("runs")["runs"][0]["state"] == "going-on"
    status, complaint = finish(process)
    assert status == 0, complaint


def test_a_store_moves_to_a_server_and_back(server, tmp_path):
    folder = demo_folder(tmp_path)
    folder.ok("cycle")
    people = folder.json("search", "mv", "person")["count"]
    address = server.address(server.database())
    there = folder.json("store", "copy", tmp_path / "state/conjoin.db",
                        address)
    assert there["rows"] > people
    put_store(folder, address)
    take_changes(folder)
    folder.ok("cycle")
    runs = folder.json("runs", "--limit", "0")["runs"]
    assert len({run["run"] for run in runs}) == len(runs)
    again = folder.conjoin("store", "copy", tmp_path / "state/conjoin.db",
                           address)
    assert again.status != 0 and "is not empty" in again.err
    back = folder.json("store", "copy", address, tmp_path / "back.db")
    assert back["tables"] == there["tables"]
    folder.ok("backup", tmp_path / "backup.db")
    put_store(folder, f"sqlite:{tmp_path}/back.db")
    idle = folder.step("hr", "full-import")["counters"]
    assert {k for k, v in idle.items() if v} == {"stage-no-change"}


def certificate(folder, name):
    """A self-signed one; the server's files, readable for it alone."""
    subprocess.run(
        ["openssl", "req", "-new", "-x509", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", folder / "server.key", "-out", folder / "server.crt"],
        check=True, capture_output=True)
    for file in ("server.key", "server.crt"):
        os.chown(folder / file, folder.stat().st_uid, folder.stat().st_gid)
        (folder / file).chmod(0o600)
    return folder / "server.crt"


def test_who_is_elsewhere_proves_who_it_is(server, tmp_path):
    folder, name = on(server, tmp_path / "demo")
    away = (f"postgresql://conjoin@db.corp.test:{server.port}/{name}"
            "?hostaddr=127.0.0.2")
    put_store(folder, away)
    assert "SSL" in folder.ok("cycle", status=4).err
    trusted = tmp_path / "ca.crt"
    trusted.write_bytes(certificate(server.data, "db.corp.test").read_bytes())
    server.sql("ALTER SYSTEM SET ssl = on")
    server.sql("SELECT pg_reload_conf()")
    put_store(folder, away)
    wait_until(lambda: "verify failed" in folder.conjoin("cycle").err)
    put_store(folder, f"{away}&sslrootcert={trusted}")
    folder.ok("cycle")
    put_store(folder, f"{away}&sslrootcert={trusted}".replace(
        "db.corp.test", "other.corp.test"))
    assert "other.corp.test" in folder.ok("cycle", status=4).err


def test_the_how_to(server, tmp_path, monkeypatch):
    """Its statements, address, password file and backup, on this server."""
    text = (ROOT / "docs/how-to/postgresql.md").read_text(encoding="utf-8")
    here = f"127.0.0.1:{server.port}"
    for statement in re.search(r"```sql\n(.*?)```", text,
                               re.S).group(1).split(";\n"):
        if statement:
            server.sql(statement.replace("ROLE conjoin", "ROLE sync").replace(
                "OWNER conjoin", "OWNER sync"))
    folder = demo_folder(tmp_path / "demo")
    address = re.search(r"^store: (.*)$", text, re.M).group(1)
    put_store(folder, address.replace("db.corp.test", here).replace(
        "conjoin@", "sync@"))
    line = re.search(r"^    (db\.corp\.test:5432.*)$", text, re.M).group(1)
    passfile = tmp_path / ".pgpass"
    passfile.write_text(
        line.replace("db.corp.test:5432:conjoin:conjoin",
                     f"{here}:conjoin:sync") + "\n", encoding="utf-8")
    passfile.chmod(0o600)
    monkeypatch.delenv("PGPASSWORD")
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    folder.ok("check")
    folder.ok("cycle")
    people = folder.json("search", "mv", "person")["count"]
    for tool in ("pg_dump", "pg_restore"):
        command = re.search(rf"^    ({tool} .*)$", text, re.M).group(1)
        subprocess.run(
            command.replace("conjoin@db.corp.test", f"sync@{here}").replace(
                tool, str(pgserver.programs() / tool), 1),
            shell=True, check=True, cwd=tmp_path, capture_output=True)
        if tool == "pg_dump":
            server.sql("DROP DATABASE conjoin")
            server.sql("CREATE DATABASE conjoin OWNER sync")
    assert folder.json("search", "mv", "person")["count"] == people
    folder.ok("cycle")
