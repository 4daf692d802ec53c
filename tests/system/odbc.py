"""A database by unixODBC, without conjoin: what tests compare with.

SPDX-License-Identifier: Apache-2.0
"""
import ctypes
import glob

HANDLE_ENV, HANDLE_DBC, HANDLE_STMT = 1, 2, 3
NO_DATA = 100
C_WCHAR, C_LONG, C_BINARY = -8, 4, -2
WVARCHAR, WLONGVARCHAR, INTEGER, VARBINARY = -9, -10, 4, -3
NULL_DATA = -1

LIBRARY = ctypes.CDLL("libodbc.so.2")
for _name in ("SQLAllocHandle", "SQLSetEnvAttr", "SQLDriverConnectW",
              "SQLExecDirectW", "SQLPrepareW", "SQLBindParameter",
              "SQLExecute", "SQLFetch", "SQLGetData", "SQLNumResultCols",
              "SQLRowCount", "SQLGetDiagRecW", "SQLFreeHandle",
              "SQLFreeStmt", "SQLDisconnect", "SQLSetConnectAttr",
              "SQLEndTran", "SQLColAttributeW", "SQLTablesW", "SQLColumnsW",
              "SQLPrimaryKeysW", "SQLForeignKeysW", "SQLMoreResults",
              "SQLSetStmtAttr", "SQLGetInfoW"):
    getattr(LIBRARY, _name).restype = ctypes.c_short


def driver(pattern):
    """The file of a driver: "libtdsodbc*"."""
    found = sorted(glob.glob(f"/usr/lib/*/odbc/{pattern}.so"))
    assert found, f"there is no ODBC driver {pattern}"
    return found[0]


def wide(text):
    data = text.encode("utf-16-le")
    return ctypes.create_string_buffer(data + b"\0\0"), len(data) // 2


class Refused(Exception):
    """What the database said."""

    def __init__(self, state, native, text):
        super().__init__(f"{state} {native} {text}")
        self.state = state
        self.native = native


class Database:
    """A connection; statements are made and ended one at a time."""

    def __init__(self, text):
        self.env = self._handle(HANDLE_ENV, None)
        LIBRARY.SQLSetEnvAttr(self.env, 200, ctypes.c_void_p(3), 0)
        self.dbc = self._handle(HANDLE_DBC, self.env)
        data, units = wide(text)
        done = LIBRARY.SQLDriverConnectW(
            self.dbc, None, data, ctypes.c_short(units), None, 0, None, 0)
        if done not in (0, 1):
            error = self._refused(HANDLE_DBC, self.dbc)
            self._free()
            raise error

    @staticmethod
    def _handle(kind, parent):
        handle = ctypes.c_void_p()
        assert LIBRARY.SQLAllocHandle(kind, parent,
                                      ctypes.byref(handle)) == 0
        return handle

    @staticmethod
    def _refused(kind, handle):
        state = ctypes.create_string_buffer(12)
        native = ctypes.c_int()
        text = ctypes.create_string_buffer(2000)
        size = ctypes.c_short()
        found = [("", 0, "no diagnostics")]
        for number in range(1, 20):
            if LIBRARY.SQLGetDiagRecW(
                    kind, handle, ctypes.c_short(number), state,
                    ctypes.byref(native), text, ctypes.c_short(900),
                    ctypes.byref(size)) not in (0, 1):
                break
            found.append((state.raw[:10].decode("utf-16-le"), native.value,
                          text.raw[:size.value * 2].decode("utf-16-le")))
        best = [one for one in found if one[1]] or found[1:] or found
        return Refused(*best[0])

    def _check(self, stmt, done):
        if done not in (0, 1, NO_DATA):
            raise self._refused(HANDLE_STMT, stmt)
        return done

    def autocommit(self, on):
        assert LIBRARY.SQLSetConnectAttr(
            self.dbc, 102, ctypes.c_void_p(1 if on else 0), 0) in (0, 1)

    def end(self, commit=True):
        done = LIBRARY.SQLEndTran(HANDLE_DBC, self.dbc,
                                  ctypes.c_short(0 if commit else 1))
        if done not in (0, 1):
            raise self._refused(HANDLE_DBC, self.dbc)

    def name(self):
        """What the database calls itself."""
        text = ctypes.create_string_buffer(200)
        size = ctypes.c_short()
        LIBRARY.SQLGetInfoW(self.dbc, 17, text, 200, ctypes.byref(size))
        return text.raw[:size.value].decode("utf-16-le")

    # --- statements ---

    def run(self, sql, *params, kept=None):
        """Rows (tuples of str, bytes, None), or how many were touched."""
        stmt = self._handle(HANDLE_STMT, self.dbc)
        try:
            data, units = wide(sql)
            if params:
                self._check(stmt, LIBRARY.SQLPrepareW(stmt, data, units))
                held = self._bind(stmt, params)
                self._check(stmt, LIBRARY.SQLExecute(stmt))
                del held
            else:
                self._check(stmt, LIBRARY.SQLExecDirectW(stmt, data, units))
            return self._result(stmt, kept)
        finally:
            LIBRARY.SQLFreeHandle(HANDLE_STMT, stmt)

    def many(self, sql, rows):
        """Prepared once: how many rows each touched."""
        stmt = self._handle(HANDLE_STMT, self.dbc)
        counts = []
        try:
            data, units = wide(sql)
            self._check(stmt, LIBRARY.SQLPrepareW(stmt, data, units))
            for params in rows:
                held = self._bind(stmt, params)
                self._check(stmt, LIBRARY.SQLExecute(stmt))
                counts.append(self._result(stmt, None))
                LIBRARY.SQLFreeStmt(stmt, 0)
                del held
            return counts
        finally:
            LIBRARY.SQLFreeHandle(HANDLE_STMT, stmt)

    def catalogue(self, function, *names):
        """SQLTables and its like, by the names it takes."""
        stmt = self._handle(HANDLE_STMT, self.dbc)
        try:
            arguments = []
            for name in names:
                if name is None:
                    arguments += [None, ctypes.c_short(0)]
                else:
                    data, units = wide(name)
                    arguments += [data, ctypes.c_short(units)]
            self._check(stmt, getattr(LIBRARY, function)(stmt, *arguments))
            return self._result(stmt, None)
        finally:
            LIBRARY.SQLFreeHandle(HANDLE_STMT, stmt)

    def _bind(self, stmt, params):
        held = []
        for number, value in enumerate(params, 1):
            size = ctypes.c_ssize_t()
            if isinstance(value, int):
                data = ctypes.c_int(value)
                c_type, sql_type, room = C_LONG, INTEGER, 10
                size.value = 4
            elif isinstance(value, bytes):
                data = ctypes.create_string_buffer(value)
                c_type, sql_type, room = C_BINARY, VARBINARY, len(value)
                size.value = len(value)
            else:
                data, units = wide(value or "")
                c_type, room = C_WCHAR, units
                sql_type = WVARCHAR if units <= 4000 else WLONGVARCHAR
                size.value = units * 2 if value is not None else NULL_DATA
            held.append((data, size))
            self._check(stmt, LIBRARY.SQLBindParameter(
                stmt, ctypes.c_ushort(number), 1, c_type, sql_type,
                ctypes.c_size_t(max(room, 1)), 0, ctypes.byref(data),
                ctypes.c_ssize_t(0), ctypes.byref(size)))
        return held

    def _result(self, stmt, kept):
        columns = ctypes.c_short()
        count = ctypes.c_ssize_t(-1)
        rows = []
        while True:
            self._check(stmt, LIBRARY.SQLNumResultCols(
                stmt, ctypes.byref(columns)))
            if columns.value:
                break
            if count.value < 0:
                LIBRARY.SQLRowCount(stmt, ctypes.byref(count))
            if self._check(stmt, LIBRARY.SQLMoreResults(stmt)) == NO_DATA:
                return count.value
        if kept is not None:
            kept += [self._column(stmt, number + 1)
                     for number in range(columns.value)]
        while self._check(stmt, LIBRARY.SQLFetch(stmt)) != NO_DATA:
            rows.append(tuple(self._value(stmt, number + 1)
                              for number in range(columns.value)))
        return rows

    @staticmethod
    def _column(stmt, number):
        """(name, type's name)"""
        found = []
        for field in (1011, 14):
            text = ctypes.create_string_buffer(400)
            size = ctypes.c_short()
            LIBRARY.SQLColAttributeW(
                stmt, ctypes.c_ushort(number), ctypes.c_ushort(field), text,
                ctypes.c_short(400), ctypes.byref(size), None)
            found.append(text.raw[:size.value].decode("utf-16-le"))
        return tuple(found)

    def _value(self, stmt, number):
        text = ctypes.create_string_buffer(70000)
        size = ctypes.c_ssize_t()
        found = b""
        while True:
            done = self._check(stmt, LIBRARY.SQLGetData(
                stmt, ctypes.c_ushort(number), C_WCHAR, text,
                ctypes.c_ssize_t(70000), ctypes.byref(size)))
            if done == NO_DATA:
                break
            if size.value == NULL_DATA:
                return None
            if done == 0:
                found += text.raw[:size.value]
                break
            found += text.raw[:69998]
        return found.decode("utf-16-le")

    def _free(self):
        LIBRARY.SQLFreeHandle(HANDLE_DBC, self.dbc)
        LIBRARY.SQLFreeHandle(HANDLE_ENV, self.env)

    def close(self):
        LIBRARY.SQLDisconnect(self.dbc)
        self._free()
