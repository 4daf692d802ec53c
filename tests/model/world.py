"""The connected systems: files as tables and directories.

Both sides read the same files.  What an export should write is applied here
too, and then compared with the file that the engine wrote.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import csv
import io
import pathlib
import sys
import uuid

from objects import Obj
from rules import same

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import ldifread  # noqa: E402


class Table:
    """A csv file: rows by anchor, in order."""

    def __init__(self, agent, columns):
        self.agent = agent
        self.anchor = agent.connect["anchor"]
        self.columns = columns
        self.rows = {}
        self.ordered = False        # names are given in order
        self.read_rows = None       # as the last import saw them
        self.serial = 0
        self.delta = None

    def find(self, anchor):
        for key in self.rows:
            if same(key, anchor):
                return key
        return None

    def write(self, path, random=None):
        rows = list(self.rows.values())
        if random:
            random.shuffle(rows)
        # The order of rows must not matter, but for this: of two that may
        # join the same object the first does.
        if any(rs.join for rs in self.agent.rulesets) or self.ordered:
            self.rows = {row[self.anchor]: row for row in rows}
        path.write_text(self.text(rows), encoding="utf-8")

    def text(self, rows, more=()):
        out = io.StringIO()
        writer = csv.DictWriter(out, [*self.columns, *more], restval="",
                                lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    def parse(self, path):
        if not path.exists():
            return {}
        with path.open(encoding="utf-8", newline="") as file:
            return {row[self.anchor]: row for row in csv.DictReader(file)}

    def load(self, path):
        self.rows = self.parse(path)

    def foreign(self, anchor, row):
        self.rows[anchor] = {**{c: "" for c in self.columns}, **row}

    def seen(self):
        self.read_rows = {key: dict(row) for key, row in self.rows.items()}

    def changes(self):
        """Rows of a delta file since the last import."""
        self.serial += 1
        out = []
        old = self.read_rows or {}
        for key, row in self.rows.items():
            if key not in old:
                out.append({**row, "change": "Add"})
            elif row != old[key]:
                out.append({**row, "change": "Modify"})
        for key in old:
            if key not in self.rows:
                out.append({self.anchor: key, "change": "Delete"})
        for row in out:
            row["serial"] = str(self.serial)
        return out

    def entry(self, model, row):
        """(type, anchor, dn, attributes) of a row."""
        kind = self.agent.rulesets[0].type
        attrs = {}
        # its place in the order of objects comes before its references'
        model.resolve(self.agent.name, kind, row[self.anchor])
        for name in self.agent.reads(kind):
            text = row.get(name) or ""
            separator = self.agent.separator(kind, name)
            values = [v for v in (text.split(separator) if separator
                                  else [text]) if v]
            to = self.agent.reference(kind, name)
            if to:
                values = [model.resolve(self.agent.name, to, v)
                          for v in values]
            if values:
                attrs[name] = values
        return kind, row[self.anchor], None, attrs

    def entries(self, model, rows=None):
        for row in self.rows.values() if rows is None else rows:
            yield self.entry(model, row)

    # ---- as a target

    def put(self, obj, layer):
        key = self.find(obj.anchor)
        if layer["op"] == "delete":
            self.rows.pop(key, None)
            return None
        if layer["op"] == "add":
            if key is not None:
                return "cd-existing-object"
            self.rows[obj.anchor] = {c: "" for c in self.columns}
            self.rows[obj.anchor][self.anchor] = obj.anchor
            key = obj.anchor
        elif key is None:
            return "cd-missing-object"
        for name, values in layer["attrs"].items():
            separator = self.agent.separator(obj.kind, name) or ";"
            self.rows[key][name] = separator.join(
                v.anchor if isinstance(v, Obj) else v for v in values)
        return None


def line(name, value):
    """A line of LDIF; a value that is not safe in base64."""
    if value == value.strip() and value.isascii() and \
            value[:1] not in (":", "<"):
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"


class Directory:
    """An LDIF file: entries by DN."""

    def __init__(self, agent):
        self.agent = agent
        self.entries_ = {}      # DN: {attribute: [text]}
        self.marked = agent.connect.get("anchor") == "entryUUID"
        self.log = None         # the file with changes behind the content
        self.marks = []
        self.touched = set()    # names of which the log speaks since the
                                # last import

    def find(self, dn):
        for key in self.entries_:
            if same(key, dn):
                return key
        return None

    def learn(self, path):
        """The marks that the connected system gave its entries, once: the
        name may be another one's at the end of a cycle."""
        if self.marked:
            there = ldifread.read_files(path)
            for key, entry in there.items():
                found = self.find(there.names[key])
                if found:
                    self.entries_[found].setdefault("#mark",
                                                    entry["entryuuid"])

    def touch(self, *names):
        self.touched |= {name.casefold() for name in names}

    def append(self, dn, change):
        """A change of somebody else at the end of the log."""
        out = ["", f"dn: {dn}"]
        if change is None:
            out.append("changetype: delete")
        elif self.find(dn):
            out.append("changetype: modify")
            for name, values in change.items():
                out += [f"replace: {name}",
                        *(line(name, value) for value in values), "-"]
        else:
            out.append("changetype: add")
            out.append("objectClass: inetOrgPerson")
            name, _, value = dn.split(",")[0].partition("=")
            for name, values in {name: [value], **change}.items():
                out += [line(name, value) for value in values]
        # Of an entry of which nothing that counts changed nothing is told.
        if change is None or not self.find(dn) or \
                set(change) & self.names():
            self.touch(dn)
        with self.log.open("a", encoding="utf-8") as file:
            file.write("\n".join(out) + "\n\n")

    def foreign(self, dn, attrs):
        name, _, value = dn.split(",")[0].partition("=")
        self.entries_[dn] = {"#kind": ["inetOrgPerson"], name: [value],
                             **attrs}
        if self.marked:
            self.entries_[dn]["#mark"] = [str(uuid.uuid5(
                uuid.NAMESPACE_DNS, f"{dn} {len(self.marks)}"))]
            self.marks.append(dn)

    def write(self, path, random=None):
        out = []
        entries = list(self.entries_.items())
        if random:
            random.shuffle(entries)
        for dn, attrs in entries:
            out.append(f"dn: {dn}")
            for name, values in attrs.items():
                out += [line({"#kind": "objectClass", "#mark": "entryUUID"}
                             .get(name, name), value) for value in values]
            out.append("")
        path.write_text("\n".join(out), encoding="utf-8")

    def names(self):
        return {"#kind"}.union(*(rs.reads() for rs in self.agent.rulesets))

    def parse(self, path):
        """As entries_, only the attributes that count."""
        found = ldifread.read_files(path, *[self.log] * bool(self.log))
        for entry in found.values():
            entry["#kind"] = entry["objectclass"][-1:]
        return {found.names[key]: {
            name: sorted(entry[name.lower()]) for name in self.names()
            if entry.get(name.lower())} for key, entry in found.items()}

    def load(self, path):
        self.entries_ = self.parse(path)

    def known(self):
        return {dn: {name: sorted(attrs[name]) for name in self.names()
                     if attrs.get(name)}
                for dn, attrs in self.entries_.items()}

    def is_reference(self, name):
        for rs in self.agent.rulesets:
            if rs.declared.get(name, {}).get("type") == "reference":
                return True
        return name in ("manager", "member", "owner", "seeAlso")

    def seen(self):
        self.touched = set()

    def entries(self, model, only=None):
        out = []
        if self.marked:
            model.marks[self.agent.name] = {
                dn.casefold(): attrs["#mark"][0]
                for dn, attrs in self.entries_.items()}
        for dn, attrs in self.entries_.items():
            if only is not None and dn.casefold() not in only:
                continue
            values = {}
            for name in self.names() - {"#kind"}:
                found = list(attrs.get(name, []))
                if self.is_reference(name):
                    found = [model.resolve(self.agent.name, None, v)
                             for v in found]
                if found:
                    values[name] = found
            out.append((attrs["#kind"][0], attrs["#mark"][0] if self.marked
                        else None, dn, values))
        return out

    def put(self, obj, layer):
        dn = self.find(obj.base_dn or layer["dn"])
        self.touch(*(name for name in (obj.base_dn, layer["dn"]) if name))
        if layer["op"] == "delete":
            self.entries_.pop(dn, None)
            return None
        if layer["op"] == "add":
            if self.find(layer["dn"]) is not None:
                return "cd-existing-object"
            dn = layer["dn"]
            self.entries_[dn] = {"#kind": [obj.kind]}
            name, _, value = dn.split(",")[0].partition("=")
            self.entries_[dn][name] = [value]
        elif dn is None:
            return "cd-missing-object"
        if layer["op"] == "update" and layer["dn"]:
            self.move(dn, layer["dn"])
            dn = layer["dn"]
        for name, values in layer["attrs"].items():
            self.entries_[dn][name] = [
                v.future_dn if isinstance(v, Obj) else v for v in values]
        return None

    def move(self, old, new):
        entry = self.entries_.pop(old)
        name, _, value = new.split(",")[0].partition("=")
        entry[name] = [value]
        self.entries_[new] = entry
        for attrs in self.entries_.values():
            for name in attrs:
                if self.is_reference(name):
                    attrs[name] = [new if same(v, old) else v
                                   for v in attrs[name]]
