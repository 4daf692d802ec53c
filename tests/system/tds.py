"""tds-server, the stand-in for Microsoft SQL Server, as tests use it.

SPDX-License-Identifier: Apache-2.0
"""
import importlib.util
import os
import pathlib

import odbc
from helpers import CONJOIN, ROOT

_SPEC = importlib.util.spec_from_file_location(
    "tools_tds", ROOT / "tools/tds.py")
tools = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tools)

PROGRAM = os.environ.get(
    "TDS_SERVER", str(pathlib.Path(CONJOIN).parent / "tds-server"))
VERSIONS = ("7.0", "7.1", "7.2", "7.3", "7.4")
USER, PASSWORD = tools.USER, tools.PASSWORD


class Server(tools.Server):
    """With connections by FreeTDS, which end with it."""

    def __init__(self, folder, init="", options=(), listen="127.0.0.1"):
        self.opened = []
        super().__init__(PROGRAM, folder, init, options, listen)

    def connect(self, version="7.4", user=USER, password=PASSWORD, extra=""):
        database = odbc.Database(
            f"DRIVER={odbc.driver('libtdsodbc')};Server={self.listen};"
            f"Port={self.port};UID={user};PWD={{{password}}};Database=hr;"
            f"TDS_Version={version};ClientCharset=UTF-8;{extra}")
        self.opened.append(database)
        return database

    def run(self, sql, *params):
        """A statement on a connection of its own."""
        database = self.connect()
        try:
            return database.run(sql, *params)
        finally:
            self.opened.remove(database)
            database.close()

    def fault(self, kind, number=0, pattern="", skip=0, times=1):
        self.run(f"EXEC tds_fault '{kind}', {number}, '{pattern}', {skip}, "
                 f"{times}")

    def faults_left(self):
        """How many times something is still to go wrong."""
        return int(self.run("EXEC tds_fault 'left'")[0][0])

    def stop(self):
        for database in self.opened:
            database.close()
        self.opened.clear()
        super().stop()
