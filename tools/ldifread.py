"""Reads LDIF as far as the demo and the tests need it: entries, and change
records applied to them.  Written apart from the program's own reader, so that
a mistake of that one is seen.

SPDX-License-Identifier: Apache-2.0
"""
import base64


def records(text):
    """Each record as a list of (attribute in lower case, value)."""
    lines = []
    for line in text.splitlines() + [""]:
        if line.startswith(" ") and lines:
            lines[-1] += line[1:]
        elif line.startswith("#"):
            continue
        elif line:
            lines.append(line)
        elif lines:
            record = [pair for pair in map(split_line, lines)
                      if pair[0] != "version"]
            if record:
                yield record
            lines = []


def split_line(line):
    if line == "-":
        return ("-", "")
    name, _, value = line.partition(":")
    if value.startswith(":"):
        value = base64.b64decode(value[1:].strip()).decode("utf-8", "replace")
    else:
        value = value.strip()
    return (name.strip().lower(), value)


def attributes(pairs):
    entry = {}
    for name, value in pairs:
        entry.setdefault(name, []).append(value)
    return entry


def key(dn):
    """A DN as it is compared: enough for DNs without escaped commas."""
    return ",".join(part.strip().lower() for part in dn.split(","))


class Directory(dict):
    """DN in lower case -> attributes; `names` has the DNs as written."""

    def __init__(self):
        super().__init__()
        self.names = {}

    def put(self, dn, entry):
        self[key(dn)] = entry
        self.names[key(dn)] = dn

    def remove(self, dn):
        self.names.pop(key(dn))
        return self.pop(key(dn))

    def entry(self, dn):
        return self.get(key(dn))

    def having(self, name, value):
        """The entries with this value, as (DN, attributes)."""
        return [(self.names[dn], entry) for dn, entry in self.items()
                if value.lower() in (v.lower() for v in
                                     entry.get(name.lower(), []))]

    def apply(self, record):
        dn = record[0][1]
        rest = [pair for pair in record[1:] if pair[0] != "control"]
        kind = "add"
        if rest and rest[0][0] == "changetype":
            kind = rest.pop(0)[1].lower()
        if kind == "add":
            self.put(dn, attributes(rest))
        elif kind == "delete":
            self.remove(dn)
        elif kind == "modify":
            self.modify(self[key(dn)], rest)
        else:
            self.rename(dn, dict(rest))

    def modify(self, entry, pairs):
        while pairs:
            operation, name = pairs.pop(0)
            name = name.lower()
            values = []
            while pairs and pairs[0][0] != "-":
                values.append(pairs.pop(0)[1])
            if pairs:
                pairs.pop(0)
            old = entry.get(name, [])
            if operation == "add":
                old = old + values
            elif operation == "delete" and values:
                gone = {value.lower() for value in values}
                old = [v for v in old if v.lower() not in gone]
            else:
                old = values
            entry[name] = old
            if not old:
                del entry[name]

    def rename(self, dn, how):
        entry = self.remove(dn)
        rdn, _, parent = dn.partition(",")
        name, _, value = rdn.partition("=")
        name = name.lower()
        if how.get("deleteoldrdn") == "1":
            entry[name] = [v for v in entry.get(name, [])
                           if v.lower() != value.lower()]
        name, _, value = how["newrdn"].partition("=")
        entry.setdefault(name.lower(), []).append(value)
        new = f"{how['newrdn']},{how.get('newsuperior', parent)}"
        self.put(new, entry)
        self.follow(key(dn), new)

    def follow(self, old, new):
        """What names the renamed entry, or one below it, names it still."""
        def moved(text):
            folded = key(text) if text.lower().endswith(old[-8:]) else ""
            if folded != old and not folded.endswith("," + old):
                return text
            return text[:len(text) - len(old)] + new

        for entry in self.values():
            for values in entry.values():
                values[:] = map(moved, values)
        for dn in [dn for dn in self if dn.endswith("," + old)]:
            name = self.names[dn]
            self.put(moved(name), self.remove(name))


def read(*texts):
    """The directory that these texts give, one after the other."""
    directory = Directory()
    for text in texts:
        for record in records(text):
            directory.apply(record)
    return directory


def read_files(*paths):
    """Files that are not there are empty."""
    return read(*(path.read_text(encoding="utf-8")
                  for path in paths if path.exists()))
