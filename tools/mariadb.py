#!/usr/bin/env python3
"""A MariaDB server of one's own, for tests and measurements.

    tools/mariadb.py COMMAND...

Runs the command with a new server's port in the environment
(CONJOIN_MARIADB_PORT, with CONJOIN_MARIADB_CA for its certificate), where
CONJOIN_MARIADB_DATABASE is an empty database and user and password are those
below, then stops the server and takes it away. As module: `with Server() as
server:`.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

USER = "conjoin"
PASSWORD = "Secret;of}tests{"


def free_port(address):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def program(*names):
    for name in names:
        found = shutil.which(name, path=os.environ.get("PATH", "") +
                             ":/usr/sbin:/usr/local/sbin")
        if found:
            return found
    raise FileNotFoundError(f"no {names[0]}: apt-get install mariadb-server")


class Server:
    """On a free port of a loopback address, in a folder of its own. The
    server refuses to run as root: then it runs as the user mysql."""

    def __init__(self, settings=(), address="127.0.0.1"):
        self.settings = list(settings)
        self.address = address
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="conjoin-maria-"))
        self.data = self.folder / "data"
        self.socket = self.folder / "socket"
        self.port = free_port(address)
        self.process = None
        self.databases = 0
        self.owner = {}
        self.ca = self.folder / "ca.pem"
        if os.getuid() == 0:
            entry = pwd.getpwnam("mysql")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self.owner = {"user": entry.pw_uid, "group": entry.pw_gid,
                          "extra_groups": []}
        self.folder.chmod(0o755)
        self.make_certificate()
        self.make()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_certificate(self):
        """One that signs itself is its own authority."""
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", f"/CN={self.address}",
             "-addext", f"subjectAltName=IP:{self.address}",
             "-keyout", str(self.folder / "key.pem"), "-out", str(self.ca)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            **self.owner)

    def make(self):
        subprocess.run(
            [program("mariadb-install-db", "mysql_install_db"),
             "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd=self.folder, **self.owner)

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [program("mariadbd", "mysqld"), "--no-defaults",
                 f"--datadir={self.data}", f"--socket={self.socket}",
                 f"--port={self.port}", f"--bind-address={self.address}",
                 "--skip-name-resolve", "--character-set-server=utf8mb4",
                 "--innodb-buffer-pool-size=64M",
                 "--innodb-flush-log-at-trx-commit=0",
                 f"--ssl-cert={self.ca}",
                 f"--ssl-key={self.folder / 'key.pem'}",
                 f"--pid-file={self.folder / 'pid'}", *self.settings],
                stdout=log, stderr=log, cwd=self.folder, **self.owner)
        deadline = time.monotonic() + 30
        while self.sql("SELECT 1", check=False).returncode != 0:
            if self.process.poll() is not None or \
                    time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.05)
        self.sql(f"CREATE USER IF NOT EXISTS {USER}@'%' "
                 f"IDENTIFIED BY '{PASSWORD}';"
                 f"GRANT ALL ON *.* TO {USER}@'%'")

    def stop(self, how=signal.SIGTERM):
        """SIGKILL is as a crash."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()

    def sql(self, text, database="", check=True):
        """The rows as text, one a line, fields divided by tabs."""
        return subprocess.run(
            [program("mariadb", "mysql"), "--no-defaults", "-uroot", "-NB",
             "--default-character-set=utf8mb4", f"--socket={self.socket}",
             database],
            input=text, check=check, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def database(self):
        """A new database; its name."""
        self.databases += 1
        name = f"db{self.databases}"
        self.sql(f"CREATE DATABASE {name}")
        return name


def main():
    with Server() as server:
        env = dict(os.environ, CONJOIN_MARIADB_PORT=str(server.port),
                   CONJOIN_MARIADB_CA=str(server.ca),
                   CONJOIN_MARIADB_DATABASE=server.database())
        return subprocess.run(sys.argv[1:], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
