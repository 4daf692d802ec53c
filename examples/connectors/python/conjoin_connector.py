"""The connector protocol for programs in Python: what a connector does not
want to know of it. Copy this file beside yours; it needs nothing but Python 3.

    from conjoin_connector import Connector, Refused, run

    class Mine(Connector):
        def read(self, kind, watermark):
            yield self.whole("person", "1", {"name": "Ann"})

    run(Mine())

SPDX-License-Identifier: Apache-2.0
"""
import base64
import json
import sys


class Failed(Exception):
    """Ends the run: Failed("unavailable", "the service does not answer")."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Refused(Exception):
    """One operation of an export: Refused("cd-missing-object", "no such")."""

    def __init__(self, error, message):
        super().__init__(message)
        self.error = error


class Connector:
    """What to overwrite. `can` are the words of `hello`."""

    name = "a connector in Python"
    can = ["import"]

    def open(self, options, types, partitions):
        """Connects and signs in."""

    def schema(self):
        """A list of types: {"name": ..., "attributes": [{"name": ...}]}."""
        return []

    def partitions(self):
        """A list of {"name": ..., "help": ...}."""
        return []

    def watermark(self):
        """Asked before `read`: where the next delta goes on, or None."""
        return None

    def read(self, kind, watermark):
        """Yields what whole(), update(), delete() ... make; `kind` is "full"
        or "delta"."""
        return []

    def write(self, op):
        """Does one operation; returns a dict for its result (anchor, adopted
        ...) or None, or raises Refused."""
        raise Refused("cd-error", "this connector cannot write")

    def begin(self):
        """An export begins."""

    def end(self):
        """An export ends: with "at-once" in `can` all is written now."""

    def password(self, op):
        """Sets ("do" is "set") or changes ("change", with "old") a password;
        raises Refused. It must not come into a log or a message."""
        raise Refused("cd-error", "this connector knows no passwords")

    # --- messages ---

    @staticmethod
    def message(msg, type_, anchor, attrs=None, **more):
        line = {"msg": msg, "type": type_, "anchor": anchor, **more}
        if attrs is not None:
            line["attrs"] = {k: encode(v) for k, v in attrs.items()}
        return line

    def whole(self, type_, anchor, attrs, **more):
        return self.message("object", type_, anchor, attrs, **more)

    def added(self, type_, anchor, attrs, **more):
        return self.message("add", type_, anchor, attrs, **more)

    def updated(self, type_, anchor, attrs, **more):
        return self.message("update", type_, anchor, attrs, **more)

    def deleted(self, type_, anchor, **more):
        return self.message("delete", type_, anchor, **more)

    def bad(self, type_, anchor, message, error="read-error"):
        return self.message("bad", type_, anchor, error=error, message=message)

    @staticmethod
    def log(text, level="info"):
        say({"msg": "log", "level": level, "message": text})


def encode(value):
    """A value or list of them as the protocol has it."""
    if isinstance(value, (list, tuple, set)):
        return [encode(one) for one in value]
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value


def decode(value):
    """{"b64": ...} as bytes, all else as it is."""
    if isinstance(value, dict) and "b64" in value:
        return base64.b64decode(value["b64"])
    return value


def changed(old, attrs):
    """The attributes of an object (name: list) after those of an update."""
    new = dict(old)
    for name, change in attrs.items():
        values = new.get(name, [])
        if isinstance(change, dict):
            gone = [decode(v) for v in change.get("delete", [])]
            values = [v for v in values if v not in gone]
            values += [decode(v) for v in change.get("add", [])
                       if decode(v) not in values]
        else:
            values = [decode(v) for v in change]
        new[name] = values
    return {name: values for name, values in new.items() if values}


def say(message):
    sys.stdout.buffer.write(json.dumps(
        message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def give(connector, kind, watermark):
    mark = connector.watermark()
    lines = iter(connector.read(kind, watermark))
    line = next(lines, None)  # what fails at once is no answer "ok"
    say({"msg": "ok", **({"watermark": mark} if mark else {})})
    count = 0
    while line:
        say(line)
        count += line["msg"] != "progress"
        line = next(lines, None)
    say({"msg": "end", "count": count})


def done(work, op):
    try:
        return {"ok": True, **(work(op) or {})}
    except Refused as refusal:
        return {"ok": False, "error": refusal.error, "message": str(refusal)}


def do(connector, op):
    result = {"msg": "result", "id": op["id"], **done(connector.write, op)}
    if "at-once" in connector.can:
        connector.later.append(result)  # it is true only behind end()
    else:
        say(result)


def answer(connector, ask):
    """Answers a question; how many results an export has had by now."""
    name = ask["msg"]
    if name == "hello":
        say({"msg": "hello", "protocol": 1, "name": connector.name,
             "can": connector.can})
    elif name == "open":
        connector.open(ask["options"], ask["types"], ask["partitions"])
        say({"msg": "ok"})
    elif name == "schema":
        say({"msg": "schema", "types": connector.schema()})
    elif name == "partitions":
        say({"msg": "partitions", "partitions": connector.partitions()})
    elif name == "import":
        give(connector, ask["kind"], ask.get("watermark", ""))
    elif name == "export":
        connector.begin()
        connector.results = 0
        connector.later = []
        say({"msg": "ok"})
    elif name in ("add", "update", "rename", "delete", "replace"):
        do(connector, ask)
        connector.results += 1
    elif name == "password":
        say({"msg": "result", "id": ask["id"],
             **done(connector.password, ask)})
    elif name == "export-end":
        connector.end()
        for result in connector.later:
            say(result)
        say({"msg": "end", "count": connector.results})
    else:
        say({"msg": "error", "code": "unsupported",
             "message": f"'{name}' is not known here"})


def run(connector):
    """Answers until there are no more questions."""
    for line in sys.stdin.buffer:
        ask = json.loads(line)
        if ask["msg"] == "bye":
            break
        try:
            answer(connector, ask)
        except Failed as failure:
            say({"msg": "error", "code": failure.code,
                 "message": str(failure)})
        sys.stdout.buffer.flush()
