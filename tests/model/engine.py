"""Drives the program, and says what it holds in the model's words.

SPDX-License-Identifier: Apache-2.0
"""
import json
import multiprocessing.util
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile

from objects import Mv, Obj

RAM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class EngineFailed(Exception):
    pass


class Forks:
    """The program without its start, see forks.c; one for this process."""
    servers = {}

    def __init__(self, program):
        self.server = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "LD_BIND_NOW": "1"})
        self.answers = b""
        folder = tempfile.mkdtemp(prefix="conjoin-model-", dir=RAM)
        self.out = pathlib.Path(folder, "out")
        self.err = pathlib.Path(folder, "err")
        # at the end of a worker too, which ends without more ado
        multiprocessing.util.Finalize(None, shutil.rmtree, (folder, True),
                                      exitpriority=1)

    @classmethod
    def of(cls, program):
        forks = pathlib.Path(program).parent / "tests/model_forks"
        if not forks.exists():
            return None
        if (forks, os.getpid()) not in cls.servers:
            cls.servers[forks, os.getpid()] = cls(forks)
        return cls.servers[forks, os.getpid()]

    def run(self, time, words, kill=None):
        """(status, output, errors); kill: after so many seconds."""
        self.server.stdin.write("\x1f".join(
            [time or "", "" if kill is None else str(int(kill * 1e6)),
             str(self.out), str(self.err), *words]).encode() + b"\n")
        self.server.stdin.flush()
        pid = self.answer(None)
        status = self.answer(120)
        if status is None:
            os.kill(pid, signal.SIGKILL)
            status = self.answer(None)
        return status, self.out.read_bytes(), self.err.read_bytes()

    def answer(self, timeout):
        """A number, or None when it takes longer."""
        while b"\n" not in self.answers:
            if not select.select([self.server.stdout], [], [], timeout)[0]:
                return None
            more = os.read(self.server.stdout.fileno(), 1000)
            if not more:
                raise EngineFailed("no answer")
            self.answers += more
        line, _, self.answers = self.answers.partition(b"\n")
        return int(line)


class Processes:
    """The program as everybody calls it."""

    def __init__(self, program):
        self.program = program

    def run(self, time, words, kill=None):
        env = {**os.environ, "CONJOIN_FAKE_TIME": time} if time else None
        process = subprocess.Popen(
            [self.program, *words], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=env)
        try:
            out, err = process.communicate(
                timeout=120 if kill is None else kill)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        return process.returncode, out, err


class Engine:
    def __init__(self, program, folder):
        program = str(program)
        self.caller = Forks.of(program) or Processes(program)
        self.folder = folder
        self.time = None        # CONJOIN_FAKE_TIME

    def run(self, words, kill=None):
        return self.caller.run(self.time, [
            *words, "--folder", str(self.folder), "--json"], kill)

    def call(self, *words, statuses=(0, 1, 3)):
        status, out, err = self.run(words)
        if status not in statuses:
            raise EngineFailed(
                f"'{' '.join(words)}' ended with {status}\n"
                f"{out.decode('utf-8', 'replace')[-2000:]}"
                f"{err.decode('utf-8', 'replace')[-2000:]}")
        return json.loads(out) if out else None

    def state(self, config):
        """(metaverse, connector spaces), canonical."""
        objects = {}
        for agent in config.agents:
            found = self.call("search", "cs", agent.name)["objects"]
            objects[agent.name] = found
        mvs = {}
        for kind in config.types:
            for mv in self.call("search", "mv", kind)["objects"]:
                mvs[mv["id"]] = mv
        names = {f"mv {number}": connectors_text(
            mv["type"], [(c["agent"], c["rule_set"], c["anchor"], c["dn"])
                         for c in mv["connectors"]])
            for number, mv in mvs.items()}
        meta = in_order(
            (names[f"mv {number}"],
             {name: sorted(names.get(v, v) for v in values)
              for name, values in mv["attributes"].items() if values})
            for number, mv in mvs.items())
        spaces = {}
        for agent, found in objects.items():
            spaces[agent] = in_order(
                (o["type"], identity(o["anchor"], o["dn"]),
                 self.describe(o, names)) for o in found)
        return meta, spaces

    @staticmethod
    def describe(o, names):
        def values(attrs):
            return {name: sorted(v) for name, v in sorted(attrs.items())}

        def layer(found):
            if not found:
                return None
            op = found["operation"]
            return ("update" if op == "rename" else op,
                    None if op == "add" else found["dn"] or None,
                    values(found["attributes"] or {}))
        pending = o["pending_import"]
        return {
            "state": o["state"],
            "rule_set": o["rule_set"] if o["mv"] else None,
            "mv": names.get(f"mv {o['mv']}") if o["mv"] else None,
            "image": values(o["image"]) if o["image"] is not None else None,
            "pending import": pending["operation"] if pending else None,
            "pending export": layer(o["pending_export"]),
            "awaiting": layer(o["awaiting"])}


def in_order(items):
    return sorted(items, key=repr)


def identity(anchor, dn):
    return dn or anchor


def connectors_text(kind, connectors):
    return f"{kind} of " + " + ".join(sorted(
        f"{agent}.{rs} {identity(anchor, dn)}"
        for agent, rs, anchor, dn in connectors))


# ---- the model in the same words

def model_state(model):
    names = {mv: connectors_text(
        mv.kind, [(o.agent, o.rs, o.anchor, shown_dn(o))
                  for o in model.connectors(mv)]) for mv in model.mvs}
    meta = in_order(
        (names[mv], {name: sorted(shown(v, names) for v in values)
                     for name, values in mv.attrs.items() if values})
        for mv in model.mvs)
    spaces = {}
    for agent in model.config.agents:
        spaces[agent.name] = in_order(
            (o.kind, identity(o.anchor, shown_dn(o)), describe(o, names))
            for o in model.objs[agent.name] if not o.placeholder)
    return meta, spaces


def shown_dn(obj):
    """The name that it has, or is to have while it is new."""
    return obj.dn or obj.base_dn or obj.future_dn


def shown(value, names):
    if isinstance(value, Mv):
        return names.get(value, "?")
    if isinstance(value, Obj):
        return identity(value.anchor, shown_dn(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def describe(o, names):
    def values(attrs):
        return {name: sorted(shown(v, names) for v in values)
                for name, values in sorted(attrs.items())}

    def layer(found):
        if not found:
            return None
        return (found["op"], None if found["op"] == "add" else found["dn"],
                values(found["attrs"]))
    return {
        "state": o.state, "rule_set": o.rs,
        "mv": names.get(o.mv) if o.mv else None,
        "image": values(o.image) if o.image is not None else None,
        "pending import": o.pend, "pending export": layer(o.export),
        "awaiting": layer(o.awaiting)}
