#!/usr/bin/env python3
"""Runs the scenarios: folders with a configuration, data and steps.

    tests/scenario/run.py [--conjoin PATH] [--store postgresql] [--processes N] [--keep]
                          [--jobs N] [--plan] [--undo] [NAME...]

Each scenario runs in a copy of its folder; docs/internals/scenarios.md tells
how steps.yaml is written.  Prints one line a scenario, the difference where
one fails, and at last "N passed, N failed".

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import concurrent.futures
import contextlib
import copy
import csv
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import ldifread  # noqa: E402
import pgserver  # noqa: E402

# Counters of objects to which nothing happened: compared when listed only.
QUIET = {"stage-no-change", "connector-no-flow"}
# Counters that may appear in a cycle that has nothing to do: a disconnector
# is looked at again, and nothing follows from it.
IDLE = QUIET | {"disconnector-remains", "disconnector-filtered",
                "filtered-objects"}
STEP_KEYS = {"run", "kinds", "cycle", "write", "append", "replace", "remove",
             "copy", "mv", "cs", "directory", "pending", "note", "result", "exit",
             "counters", "outbound", "errors", "says", "message", "allow",
             "keep-token", "options", "clock", "advance", "due", "command",
             "quarantine", "killed", "warnings"}


# Systems that do not do what they are told, or are killed at it.
UNRULY = {"s12d-killed", "r97b-one-member-killed",
          "r68b-quarantine-of-the-contradicted"}


FILES = ("write", "append", "replace", "remove", "copy")
# Counters of what was written; attributes that a system makes itself.
WRITTEN = {"export-add", "export-update", "export-rename", "export-delete",
           "export-delete-add"}
MADE = {"entryuuid", "unicodepwd", "userpassword"}


# What an undo leaves otherwise, and has to.
OTHERWISE = {
    "r05f-name-given-to-another": "the name that is free again goes to who "
                                  "wanted it too",
    "r98-gone-meanwhile": "the same",
    "r98b-name-of-a-deleted-one": "the same, as an entry was deleted by others",
    "r112-target-made-again": "what a value referred to was gone before",
}


class Mismatch(Exception):
    pass


class Loader(yaml.SafeLoader):
    """Every plain scalar is its text, except in counters and the like."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers
            if tag == "tag:yaml.org,2002:null"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_steps(folder):
    with (folder / "steps.yaml").open(encoding="utf-8") as file:
        steps = yaml.load(file, Loader)
    unknown = set(steps) - {"title", "copy", "after", "replace", "steps",
                            "lasting", "clock"}
    if unknown:
        raise Mismatch(f"{folder.name}/steps.yaml: unknown {unknown}")
    return steps


def exit_of(result):
    """The exit status that a result promises."""
    if result.startswith("stopped-"):
        return 3
    if result in ("success", "completed-warnings",
                  "completed-transient-objects"):
        return 0
    return 1


def texts(value):
    """An expected value: a text, or a list of them in any order."""
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    return sorted(str(v) for v in values)


def expect(what, expected, found):
    if expected != found:
        raise Mismatch(f"{what}:\n    expected {expected}\n    found    "
                       f"{found}")


class Scenario:
    def __init__(self, source, program, folder, server=None):
        self.source = source
        self.server = server
        self.program = program
        self.folder = folder
        self.tokens = {}
        self.opened = set()
        self.lasting = set()
        self.last = "the scenario's files"
        self.clock = None
        self.plans = False
        self.processes = 1
        self.undoes = False

    # ---- the program

    def conjoin(self, *words, statuses=None):
        self.set_store()
        command = [str(self.program), *words, "--folder", str(self.folder),
                   "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=300,
                              check=False, env=self.environment(),
                              cwd=self.folder)
        out = done.stdout.decode("utf-8", "replace")
        complaint = (f"'conjoin {' '.join(words)}' ended with exit status "
                     f"{done.returncode}\n{out[-3000:]}"
                     f"{done.stderr.decode('utf-8', 'replace')[-6000:]}")
        if statuses is not None and done.returncode not in statuses:
            raise Mismatch(complaint)
        try:
            return done.returncode, json.loads(out)
        except ValueError:
            raise Mismatch(complaint) from None

    def set_store(self):
        """With a server the store is a schema of its own there."""
        path = self.folder / "conjoin.yaml"
        if not self.server or not path.exists():
            return
        line = f"store: {self.server.address_of_schema(self.folder.name)}"
        text = path.read_text(encoding="utf-8")
        if line in text:
            return
        text, count = re.subn(r"^store:.*$", line, text, flags=re.M)
        path.write_text(text if count else f"{text.rstrip()}\n{line}\n",
                        encoding="utf-8")

    # ---- the time

    def environment(self):
        env = self.server.environment() if self.server else dict(os.environ)
        if self.clock:
            env["CONJOIN_FAKE_TIME"] = self.clock.strftime(
                "%Y-%m-%dT%H:%M:%SZ")
        return env

    def set_clock(self, text):
        self.clock = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")

    def do_advance(self, text):
        number, unit = text.split()
        self.clock += datetime.timedelta(**{unit: int(number)})

    def conjoin_killed(self, *words):
        self.set_store()
        done = subprocess.run([str(self.program), *words, "--folder",
                               str(self.folder)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=300,
                              check=False, cwd=self.folder,
                              env=self.environment())
        expect("the signal that ended it", -9, done.returncode)

    # ---- preparing files

    def path(self, name):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def do_write(self, files):
        for name, text in files.items():
            self.path(name).write_text(text, encoding="utf-8")

    def do_append(self, files):
        for name, text in files.items():
            with self.path(name).open("a", encoding="utf-8") as file:
                file.write(text)

    def do_replace(self, files):
        for name, pairs in files.items():
            text = self.path(name).read_text(encoding="utf-8")
            for old, new in pairs:
                if old not in text:
                    raise Mismatch(f"{name} has no '{old}' to replace")
                text = text.replace(old, new)
            self.path(name).write_text(text, encoding="utf-8")

    def do_remove(self, names):
        for name in names:
            self.path(name).unlink()

    def do_copy(self, files):
        for old, new in files.items():
            shutil.copy(self.path(old), self.path(new))

    # ---- running

    def do_run(self, step):
        words = ["run", *step["run"], *step.get("options", [])]
        if self.processes > 1 and "killed" not in step:
            words += ["--processes", str(self.processes)]
        if "allow" in step:
            words += ["--allow", self.tokens.get(step["allow"],
                                                 step["allow"])]
        if "killed" in step:
            self.conjoin_killed(*words)
            return
        result = step.get("result", "success")
        status = int(step.get("exit", exit_of(result)))
        found, out = self.conjoin(*words)
        if found != status or "steps" not in out:
            raise Mismatch(f"exit status {found}, expected {status}\n"
                           f"{json.dumps(out, indent=1)}")
        expect("result", result, out["result"])
        if "kinds" in step:
            expect("steps", step["kinds"], [s["kind"] for s in out["steps"]])
        last = out["steps"][-1]
        self.tokens["last"] = last.get("token", "")
        if "keep-token" in step:
            self.tokens[step["keep-token"]] = last["token"]
        self.check_counters("counters", step.get("counters", {}),
                            last["counters"])
        self.check_outbound(step.get("outbound", {}),
                            last.get("outbound", {}))
        self.check_errors(step, last)
        for text in step.get("warnings", []):
            if not any(text in warning for warning in out["warnings"]):
                raise Mismatch(f"no warning has '{text}': {out['warnings']}")
        self.open_counters(out)
        for text in step.get("message", []):
            text = self.tokens.get(text, text)
            if text not in last["message"]:
                raise Mismatch(f"the message lacks '{text}': "
                               f"{last['message']}")

    @staticmethod
    def check_counters(what, listed, found):
        listed = {name: int(count) for name, count in listed.items()}
        names = {name for name, count in found.items()
                 if count and name not in QUIET} | set(listed)
        expect(what,
               {n: listed.get(n, 0) for n in sorted(names)},
               {n: found.get(n, 0) for n in sorted(names)})

    def check_outbound(self, listed, found):
        for target in sorted(set(listed) | set(found)):
            self.check_counters(f"outbound to {target}",
                                listed.get(target, {}),
                                found.get(target, {}))

    def open_counters(self, run):
        """Each counter opens the list of what it counted: the first of each
        name and side is opened."""
        for step in run["steps"]:
            sides = {"": step["counters"], **step.get("outbound", {})}
            for target, counters in sides.items():
                for name, count in counters.items():
                    if count and (target, name) not in self.opened and \
                            name not in QUIET | {"disconnector-remains"}:
                        self.opened.add((target, name))
                        self.open_counter(run, name, target)

    def open_counter(self, run, name, target):
        expected = 0
        for step in run["steps"]:
            sides = [step.get("outbound", {}).get(target, {})] if target else \
                [step["counters"], *step.get("outbound", {}).values()]
            expected += sum(side.get(name, 0) for side in sides)
        _, out = self.conjoin("runs", str(run["run"]), name,
                              *([target] if target else []), statuses=[0])
        expect(f"objects of counter {name} {target}", expected, out["count"])

    @staticmethod
    def check_errors(step, last):
        found = last.get("errors", [])
        try:
            expect("errors", texts(step.get("errors")),
                   sorted(error["code"] for error in found))
        except Mismatch as error:
            raise Mismatch(f"{error}\n{json.dumps(found, indent=1)}") \
                from None
        told = "\n".join(error["message"] for error in found)
        for text in step.get("says", []):
            if text not in told:
                raise Mismatch(f"no error says '{text}':\n{told}")

    def do_command(self, step):
        _, out = self.conjoin(*step["command"],
                              statuses=[int(step.get("exit", 0))])
        if "run" in out and "steps" in out:
            last = out["steps"][-1]
            self.check_counters("counters", step.get("counters", {}),
                                last["counters"])
            self.check_outbound(step.get("outbound", {}),
                                last.get("outbound", {}))
            self.open_counters(out)
        for text in step.get("says", []):
            if text not in json.dumps(out):
                raise Mismatch(f"nothing says '{text}':\n{out}")

    def do_cycle(self, step):
        status = int(step.get("exit", 0))
        self.conjoin("cycle", statuses=[status])

    # ---- looking

    def do_mv(self, types):
        for name, expected in types.items():
            _, out = self.conjoin("search", "mv", name, statuses=[0])
            self.compare(f"metaverse type {name}", expected,
                         [obj["attributes"] for obj in out["objects"]])

    def do_cs(self, agents):
        for agent, expected in agents.items():
            _, out = self.conjoin("search", "cs", agent, statuses=[0])
            found = []
            for obj in out["objects"]:
                flat = dict(obj["attributes"] or {})
                flat.update({key: obj[key] for key in
                             ("state", "dn", "anchor", "type")})
                flat["error"] = (obj["error"] or {}).get("code")
                flat["linked"] = "no" if obj["mv"] is None else "yes"
                found.append(flat)
            self.compare(f"connector space of {agent}", expected, found)

    @staticmethod
    def compare(what, expected, found):
        """Each expected object is another one of those found; only the
        attributes that it lists are looked at."""
        left = list(found)
        for wanted in expected:
            for obj in left:
                if all(texts(value) == texts(obj.get(name))
                       for name, value in wanted.items()):
                    left.remove(obj)
                    break
            else:
                raise Mismatch(f"{what}: no {wanted} among\n"
                               + "\n".join(f"    {obj}" for obj in left))
        if left:
            raise Mismatch(f"{what}: not expected\n"
                           + "\n".join(f"    {obj}" for obj in left))

    def do_directory(self, files):
        for name, expected in files.items():
            path = self.folder / name
            if not path.exists() or path.suffix == ".ldif":
                directory = ldifread.read_files(path)
                found = [dict(entry, dn=directory.names[key])
                         for key, entry in directory.items()]
                expected = [{k.lower(): v for k, v in entry.items()}
                            for entry in expected]
            else:
                with path.open(encoding="utf-8", newline="") as file:
                    found = list(csv.DictReader(file))
            self.compare(name, expected, found)

    def pending(self, agent):
        _, out = self.conjoin("pending", agent, statuses=[0])
        return len(out.get("imports", [])), len(out.get("exports", []))

    def settled(self):
        """Nothing is pending, but for objects whose error is to last."""
        _, out = self.conjoin("pending", statuses=[0])
        return not [obj for obj in out["imports"] + out["exports"]
                    if not (self.lasting and obj["error"])]

    def do_pending(self, agents):
        for agent, counts in agents.items():
            imports, exports = self.pending(agent)
            for name, found in (("imports", imports), ("exports", exports)):
                if name in counts:
                    expect(f"pending {name} of {agent}", int(counts[name]),
                           found)

    def do_due(self, expected):
        _, out = self.conjoin("pending", "--due", statuses=[0])
        self.compare("due", expected, out["due"])

    def do_quarantine(self, agents):
        for agent, runs in agents.items():
            _, out = self.conjoin("pending", agent, statuses=[0])
            found = [obj["pending_export"]["retry"] for obj in out["exports"]]
            expect(f"quarantine of {agent}, the exports until it is tried",
                   texts(runs),
                   texts([retry["next_in_runs"] for retry in found
                          if retry and retry["quarantined_since"]]))

    # ---- the whole

    def prepare_step(self, step):
        if "clock" in step:
            self.set_clock(step["clock"])
        if "advance" in step:
            self.do_advance(step["advance"])
        for key in FILES:
            if key in step:
                getattr(self, "do_" + key)(step[key])

    def do_step(self, step):
        unknown = set(step) - STEP_KEYS
        if unknown:
            raise Mismatch(f"unknown keys {sorted(unknown)}")
        self.prepare_step(step)
        if "run" in step:
            self.do_run(step)
        if "cycle" in step:
            self.do_cycle(step)
        if "command" in step:
            self.do_command(step)
        for key in ("mv", "cs", "directory", "pending", "due", "quarantine"):
            if key in step:
                getattr(self, "do_" + key)(step[key])

    def prepare(self, source):
        """Copies the files, first those of the scenario it builds on; runs
        that one's steps when this one begins where it ends."""
        steps = load_steps(source)
        if "after" in steps or "copy" in steps:
            base = HERE / steps.get("after", steps.get("copy"))
            before = self.prepare(base)
            if "after" in steps:
                self.steps(before, base.name)
        for path in source.rglob("*"):
            if path.is_file() and path.name != "steps.yaml":
                target = self.path(path.relative_to(source))
                shutil.copy(path, target)
        self.do_replace(steps.get("replace", {}))
        if "clock" in steps:
            self.set_clock(steps["clock"])
        return steps

    def steps(self, steps, name):
        for number, step in enumerate(steps["steps"], 1):
            self.last = f"{name} step {number}"
            if "run" in step:
                self.last += f" ({' '.join(step['run'])})"
            if "note" in step:
                self.last += f": {step['note']}"
            if self.undoes and ("run" in step or "cycle" in step):
                self.undo_around(step)
            else:
                self.do_step(step)
            if self.plans:
                self.last += ", a plan of what comes next"
                self.plan_check()

    def run(self):
        steps = self.prepare(self.source)
        self.lasting = set(steps.get("lasting", []))
        self.steps(steps, self.source.name)
        self.idle_check()

    # ---- a plan of what comes next, applied in a copy

    def plan_check(self):
        """What a plan has is what the systems hold when it was applied."""
        if not (self.folder / "state").exists():
            return
        with tempfile.TemporaryDirectory(prefix="conjoin-plan-") as temporary:
            other = copy.copy(self)
            other.folder = pathlib.Path(temporary) / "copy"
            shutil.copytree(self.folder, other.folder)
            other.apply_plan()

    def apply_plan(self):
        file = str(self.folder / "a.plan")
        status, plan = self.conjoin("plan", "--out", file)
        if status > 1 or not plan["objects"]:
            if status > 1 and "error" not in plan:
                raise Mismatch(f"plan ended with {status}: {plan}")
            return
        self.conjoin("plan", "approve", file, "--by", "the test",
                     statuses=[0])
        status, done = self.conjoin("apply", file, statuses=[0, 1, 3, 4])
        if status == 0 and done["result"] != "applied":
            raise Mismatch(f"apply: {done}")
        self.conjoin("apply", file, statuses=[2])
        if status == 0 and not self.held_back(done):
            for agent in {item["agent"] for item in plan["objects"]}:
                self.compare_plan(agent, [item for item in plan["objects"]
                                          if item["agent"] == agent])

    @staticmethod
    def held_back(done):
        return any(step["errors"] or step["result"] != "success"
                   for run in done["runs"] for step in run["steps"])

    def compare_plan(self, agent, planned):
        status, _ = self.conjoin("run", agent, "full-import")
        if status:
            return
        _, found = self.conjoin("search", "cs", agent)
        objects = {item["dn"] or item["anchor"]: item
                   for item in found["objects"] if item["image"] is not None}
        there = {name.casefold(): item for name, item in objects.items()}
        taken = {(item["new_dn"] or item["dn"] or item["anchor"]).casefold()
                 for item in planned if item["operation"] != "delete"}
        for item in planned:
            name = (item["new_dn"] or item["dn"]
                    or item["anchor"]).casefold()
            if not name or item["type"] == "container":
                continue
            if item["operation"] == "delete":
                if name in there and name not in taken and \
                        (there[name]["pending_import"] or {}).get(
                            "operation") != "delete":
                    raise Mismatch(f"{name} is there after its deletion")
                continue
            if name not in there:
                raise Mismatch(f"{name} is not there: {item}")
            self.compare_values(name, item, there[name]["image"])

    @staticmethod
    def compare_values(name, item, image):
        image = {attr.casefold(): sorted(v.casefold() for v in values)
                 for attr, values in image.items()}
        for attr, change in item["attributes"].items():
            wanted = sorted(v.casefold() for v in change["new"])
            if wanted != ["(secret)"] and \
                    image.get(attr.casefold(), []) != wanted:
                raise Mismatch(f"{name}: {attr} is not what was planned: "
                               f"{wanted}, but {image.get(attr.casefold())}")

    # ---- what a step exported is undone, in a copy

    @contextlib.contextmanager
    def copied(self):
        with tempfile.TemporaryDirectory(prefix="conjoin-undo-") as name:
            other = copy.copy(self)
            other.folder = pathlib.Path(name) / "copy"
            shutil.copytree(self.folder, other.folder)
            yield other

    def undo_around(self, step):
        """What the targets of the step held before is there again after an
        undo of all that it exported, and after the cycle behind that."""
        step = dict(step)
        self.prepare_step(step)
        for key in ("clock", "advance", *FILES):
            step.pop(key, None)
        with self.copied() as before:
            known = self.last_run()
            self.do_step(step)
            runs = self.exports_since(known)
            if not runs:
                return
            self.last += ", undone"
            with self.copied() as other:
                other.undo_all(before, runs)

    def last_run(self):
        if not (self.folder / "state").exists():
            return 0
        _, out = self.conjoin("runs", "--limit", "1", statuses=[0])
        return max([0] + [run["run"] for run in out["runs"]])

    def exports_since(self, known):
        """The runs that wrote something, the last one first."""
        if not (self.folder / "state").exists():
            return []
        _, out = self.conjoin("runs", "--limit", "100", statuses=[0])
        found = []
        for run in out["runs"]:
            if run["run"] <= known or run["profile"] == "undo":
                continue
            _, out = self.conjoin("runs", str(run["run"]), statuses=[0])
            if any(count for step in out["steps"] if step["kind"] == "export"
                   for name, count in step["counters"].items()
                   if name in WRITTEN):
                found.append((run["run"], run["agent"]))
        return found

    def content(self, agent):
        """What an import reads, by name: {NAME: {ATTRIBUTE: VALUES}}."""
        status, _ = self.conjoin("run", agent, "full-import")
        if status:
            return None
        _, out = self.conjoin("search", "cs", agent, statuses=[0])
        return {(item["dn"] or item["anchor"]).casefold():
                {name.casefold(): sorted(value.casefold() for value in values)
                 for name, values in item["image"].items()}
                for item in out["objects"] if item["image"] is not None and
                (item["pending_import"] or {}).get("operation") != "delete"}

    def undo_all(self, before, runs):
        wanted = {agent: before.content(agent) for _, agent in runs}
        if None in wanted.values():
            return
        undone = {agent: set() for agent in wanted}
        left = {agent: set() for agent in wanted}
        for run, agent in runs:
            if self.content(agent) is None:
                return
            self.undo_run(run, undone[agent], left[agent])
        for agent, names in undone.items():
            self.same_content(agent, wanted[agent], names - left[agent])
        self.last += ", a cycle later"
        self.conjoin("cycle")
        for agent, names in undone.items():
            self.same_content(agent, wanted[agent], names - left[agent])

    def undo_run(self, run, undone, left):
        file = str(self.folder / "an.undo")
        status, plan = self.conjoin("undo", str(run), "--out", file,
                                    statuses=[0, 1])
        left.update(item["object"].casefold() for item in plan["conflicts"])
        for item in plan["conflicts"]:
            print(f"        {self.last}: left alone: {item['object']}: "
                  f"{item['why']}")
        if not plan["objects"]:
            return
        self.conjoin("plan", "approve", file, "--by", "the test",
                     statuses=[0])
        self.conjoin("apply", file, statuses=[0])
        for item in plan["objects"]:
            for name in (item["dn"], item["new_dn"], item["anchor"]):
                if name and item["type"] != "container":
                    undone.add(name.casefold())

    def same_content(self, agent, wanted, names):
        found = self.content(agent)
        if found is None:
            return
        for name in names:
            before = self.comparable(wanted.get(name))
            after = self.comparable(found.get(name))
            if before != after:
                raise Mismatch(f"{name} is not what it was:\n    was "
                               f"{before}\n    is  {after}")

    @staticmethod
    def comparable(image):
        """Without what a system makes itself, and secrets."""
        return image and {name: values for name, values in image.items()
                          if name not in MADE and values != ["(secret)"]}

    def idle_check(self):
        """Cycles until nothing is pending; one more must change nothing."""
        statuses = [1] if self.lasting else [0]
        for number in range(1, 6):
            self.last = f"after the last step, cycle {number}"
            self.conjoin("cycle", statuses=statuses)
            if self.settled():
                break
        else:
            raise Mismatch("still something pending after 5 cycles: "
                           + json.dumps(self.conjoin("pending")[1], indent=1))
        self.last = "after the last step, the cycle with nothing to do"
        _, out = self.conjoin("cycle", statuses=statuses)
        for run in out["runs"]:
            for step in run["steps"]:
                counters = dict(step["counters"])
                for target, more in step.get("outbound", {}).items():
                    counters.update({f"{target} {name}": count
                                     for name, count in more.items()})
                moved = {name: count for name, count in counters.items()
                         if count and name.split()[-1] not in
                         IDLE | self.lasting}
                if moved:
                    raise Mismatch(f"{run['agent']} {step['kind']} is not "
                                   f"idle: {moved}")


def run_one(source, program, options, server):
    folder = pathlib.Path(tempfile.mkdtemp(
        prefix=f"conjoin-{source.name}-"))
    scenario = Scenario(source, program, folder, server)
    scenario.plans = options.plan and source.name not in UNRULY
    scenario.processes = options.processes
    scenario.undoes = options.undo and source.name not in UNRULY and \
        source.name not in OTHERWISE
    try:
        scenario.run()
        message = None
    except (Mismatch, KeyError, OSError, subprocess.SubprocessError) as error:
        text = str(error) if isinstance(error, Mismatch) else repr(error)
        message = f"at {scenario.last}: {text}"
    if options.keep:
        message = f"{message or ''}\n    kept: {folder}"
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return source.name, message if message else None


def title(source):
    text = (source / "steps.yaml").read_text(encoding="utf-8")
    found = re.search(r"^title:\s*(.*)$", text, re.M)
    return found.group(1) if found else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--conjoin", default=os.environ.get(
        "CONJOIN", str(ROOT / "build/conjoin")), metavar="PATH")
    parser.add_argument("--store", choices=["sqlite", "postgresql"],
                        default="sqlite", help="where the store is: a file "
                        "each, or a schema each on a server of its own")
    parser.add_argument("--keep", action="store_true",
                        help="keep the copies, and tell where they are")
    parser.add_argument("--plan", action="store_true",
                        help="after each step apply, in a copy, a plan of "
                        "what comes next, and compare the systems with it")
    parser.add_argument("--processes", type=int, default=1,
                        help="that share each full synchronization")
    parser.add_argument("--undo", action="store_true",
                        help="undo what each step exported, in a copy: the "
                        "systems hold what they held before")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="a folder, or how its name begins")
    options = parser.parse_args()
    sources = sorted(path.parent for path in HERE.glob("*/steps.yaml"))
    if options.names:
        sources = [source for source in sources
                   if any(source.name.startswith(pathlib.Path(name).name)
                          for name in options.names)]
    with contextlib.ExitStack() as stack:
        server = None
        if options.store == "postgresql":
            server = stack.enter_context(
                pgserver.Server(["fsync = off", "full_page_writes = off"]))
        return run_all(sources, options, server)


def run_all(sources, options, server):
    failed = 0
    program = pathlib.Path(options.conjoin).resolve()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for name, message in pool.map(
                lambda s: run_one(s, program, options, server), sources):
            bad = message is not None and message.startswith("at ")
            failed += bad
            print(f"{'FAILED' if bad else 'ok    '}  {name}: "
                  f"{title(HERE / name)}")
            if message:
                print("    " + message.replace("\n", "\n    "))
    print(f"{len(sources) - failed} passed, {failed} failed")
    return 1 if failed or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
