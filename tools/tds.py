#!/usr/bin/env python3
"""The stand-in for Microsoft SQL Server (tests/tds), for tests and measurements.

    tools/tds.py PROGRAM COMMAND...

Runs the command with a new server's port in CONJOIN_TDS_PORT, then stops the
server and takes its files away. PROGRAM is build/tds-server; the database's
name is hr, user and password are those below. As module: `with Server(...)`.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

USER = "conjoin"
PASSWORD = "Secret;of tests{"


class Server:
    """Its database is a file in `folder`; `init` is T-SQL with GO in it."""

    def __init__(self, program, folder=None, init="", options=(),
                 listen="127.0.0.1"):
        self.program = program
        self.own = folder is None
        self.folder = pathlib.Path(
            folder or tempfile.mkdtemp(prefix="conjoin-tds-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.listen = listen
        self.options = list(options)
        self.port = 0
        self.process = None
        self.start(init)

    def start(self, init=""):
        """Again on the same port, when it was stopped."""
        command = [self.program, "--database", str(self.folder / "hr.db"),
                   "--user", f"{USER}:{PASSWORD}", "--listen", self.listen,
                   "--port", str(self.port), *self.options]
        if init:
            (self.folder / "init.sql").write_text(init, encoding="utf-8")
            command += ["--init", str(self.folder / "init.sql")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("PORT="):
                self.port = int(line[5:])
            if line.strip() == "READY":
                return
        raise RuntimeError(self.process.communicate()[1])

    def with_tls(self):
        """Options for TLS with a certificate of its own."""
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", self.folder / "key.pem", "-out",
             self.folder / "cert.pem"], check=True, capture_output=True)
        return ["--tls", f"{self.folder}/cert.pem:{self.folder}/key.pem"]

    def kill(self):
        """As if its machine had stopped."""
        self.process.kill()
        self.process.communicate()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()
        if self.own:
            shutil.rmtree(self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def main():
    with Server(sys.argv[1]) as server:
        server.kill()
        server.options = server.with_tls()
        server.start()
        return subprocess.run(
            sys.argv[2:], check=False,
            env={**os.environ, "CONJOIN_TDS_PORT": str(server.port)}
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
