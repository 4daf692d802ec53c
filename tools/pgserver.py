#!/usr/bin/env python3
"""A PostgreSQL server of one's own, for tests and measurements.

    tools/pgserver.py [--set 'NAME = VALUE']... COMMAND...

Runs the command with the address of an empty database on a new server in the
environment (CONJOIN_POSTGRESQL), then stops the server and takes it away. As
module: `with Server() as server:`.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

USER = "conjoin"
PASSWORD = "Secret-of-tests"


def programs():
    """The folder with initdb, postgres and the like: the newest there is."""
    folders = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"),
                     key=lambda path: int(path.parent.name))
    if folders:
        return folders[-1]
    found = shutil.which("initdb")
    if not found:
        raise FileNotFoundError("no initdb: apt-get install postgresql")
    return pathlib.Path(found).resolve().parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """On a free port of 127.0.0.1, in a folder of its own. The server refuses
    to run as root: then it runs as the user postgres."""

    def __init__(self, settings=(), made_with=()):
        self.settings = list(settings)
        self.made_with = list(made_with)
        self.largest_file = None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="conjoin-pg-"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.process = None
        self.databases = 0
        self.schemas = set()
        self.owner = {}
        if os.getuid() == 0:
            entry = pwd.getpwnam("postgres")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self.owner = {"user": entry.pw_uid, "group": entry.pw_gid,
                          "extra_groups": []}
        self.folder.chmod(0o755)
        self.make()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make(self):
        password = self.folder / "password"
        password.write_text(PASSWORD, encoding="utf-8")
        password.chmod(0o644)
        subprocess.run([str(programs() / "initdb"), "-D", str(self.data),
                        "-U", USER, "-A", "scram-sha-256", "-E", "UTF8",
                        "--locale", "C.UTF-8", "--no-sync",
                        "--pwfile", str(password), *self.made_with],
                       check=True, stdout=subprocess.DEVNULL,
                       cwd=self.folder, **self.owner)
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as \
                file:
            for line in ["listen_addresses = '127.0.0.1'",
                         f"unix_socket_directories = '{self.folder}'",
                         f"port = {self.port}", "max_connections = 50",
                         *self.settings]:
                file.write(line + "\n")

    def limit(self):
        """In the server before it begins."""
        if self.largest_file:
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE,
                               (self.largest_file, most))

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(programs() / "postgres"), "-D", str(self.data)],
                stdout=log, stderr=log, cwd=self.folder,
                preexec_fn=self.limit, **self.owner)
        deadline = time.monotonic() + 30
        while self.sql("SELECT 1", check=False).returncode != 0:
            if self.process.poll() is not None or \
                    time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        """SIGINT ends the connections, SIGQUIT is as a crash."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()

    def environment(self):
        return dict(os.environ, PGPASSWORD=PASSWORD)

    def sql(self, text, database="postgres", check=True):
        """The rows as text, one a line, fields divided by |."""
        return subprocess.run(
            [str(programs() / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1",
             "-c", text, self.address(database)],
            check=check, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.environment())

    def address(self, database):
        """By the socket when the folder has a short name: as SQLite, the
        measurements have no network between."""
        return (f"postgresql://{USER}@/{database}?host={self.folder}"
                f"&port={self.port}")

    def tcp_address(self, database):
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def address_of_schema(self, name):
        """Of a store in a schema of its own, which is made."""
        if name not in self.schemas:
            self.schemas.add(name)
            self.sql(f'CREATE SCHEMA "{name}"')
        path = urllib.parse.quote(f'-csearch_path="{name}"', safe="")
        return f"{self.address('postgres')}&options={path}"

    def database(self):
        """A new database; its name."""
        self.databases += 1
        name = f"store{self.databases}"
        self.sql(f"CREATE DATABASE {name}")
        return name


def main():
    settings = ["fsync = off"]
    while sys.argv[1:2] == ["--set"]:
        settings.append(sys.argv[2])
        del sys.argv[1:3]
    with Server(settings) as server:
        env = server.environment()
        env["CONJOIN_POSTGRESQL"] = server.address(server.database())
        return subprocess.run(sys.argv[1:], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
