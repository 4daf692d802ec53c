"""tds-server, the stand-in for Microsoft SQL Server (tests/tds).

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import subprocess

import odbc
from helpers import CONJOIN

PROGRAM = os.environ.get(
    "TDS_SERVER", str(pathlib.Path(CONJOIN).parent / "tds-server"))
VERSIONS = ("7.0", "7.1", "7.2", "7.3", "7.4")
PASSWORD = "Geheim;1"


class Server:
    """Its database is a file in `folder`; `init` is T-SQL with GO."""

    def __init__(self, folder, init="", *options, listen="127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.listen = listen
        self.options = options
        self.port = 0
        self.process = None
        self.opened = []
        self.start(init)

    def start(self, init=""):
        command = [PROGRAM, "--database", str(self.folder / "hr.db"),
                   "--user", f"sa:{PASSWORD}", "--user", "reader:reader",
                   "--listen", self.listen, "--port", str(self.port),
                   *self.options]
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

    def connect(self, version="7.4", user="sa", password=PASSWORD, extra=""):
        database = odbc.Database(
            f"DRIVER={odbc.driver('libtdsodbc')};Server={self.listen};"
            f"Port={self.port};UID={user};PWD={{{password}}};Database=hr;"
            f"TDS_Version={version};ClientCharset=UTF-8;{extra}")
        self.opened.append(database)
        return database

    def run(self, sql):
        """A statement on a connection of its own."""
        database = self.connect()
        try:
            return database.run(sql)
        finally:
            self.opened.remove(database)
            database.close()

    def fault(self, kind, number=0, pattern="", skip=0, times=1):
        self.run(f"EXEC tds_fault '{kind}', {number}, '{pattern}', {skip}, "
                 f"{times}")

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def stop(self):
        for database in self.opened:
            database.close()
        self.opened.clear()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate()
