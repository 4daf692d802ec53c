#!/usr/bin/env python3
"""Compares the program with a model of it, over random sequences.

    tests/model/run.py [--conjoin PATH] [--count N] [--seed N] [--only SEED]
                       [--jobs N] [--seconds N] [--plans] [--keep]

Each sequence has a configuration and steps made from its seed.  A difference
is shown with the seed and the shortest sequence found that shows it.
docs/internals/model-test.md tells what is compared.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import random as randoms
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import families  # noqa: E402
from engine import RAM, Engine, EngineFailed, model_state  # noqa: E402
from model import Model  # noqa: E402
from plans import Beside  # noqa: E402
from rules import Clock, later  # noqa: E402
from world import Directory, Table  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The contract does not say of whom it is counted that nothing happened.
QUIET = {"connector-no-flow"}


# Most sequences are short, so that there are many.
LENGTHS = [2, 3, 4, 4, 5, 5, 6, 7, 9, 14]


PLANS = [3]      # last digits of the seeds whose sequences make plans


class Difference(Exception):
    pass


class Play:
    """One sequence on both sides."""

    def __init__(self, seed, program, folder, watch):
        random = randoms.Random(seed)
        self.random = randoms.Random(seed)
        self.config = families.configuration(random)
        self.steps = families.sequence(random, self.config,
                                       random.choice(LENGTHS))
        self.folder = folder
        self.engine = Engine(program, folder)
        self.model = Model(self.config)
        self.watch = watch
        self.cut = None         # rows that are there, anchor of the next
        self.advance(0)
        self.world = {}
        self.log = []

    def prepare(self):
        self.config.write(self.folder)
        for agent in self.config.agents:
            if agent.kind == "csv":
                self.world[agent.name] = Table(
                    agent, families.COLUMNS[agent.name])
            else:
                self.world[agent.name] = Directory(agent)
                if "changes" in agent.connect:
                    self.world[agent.name].log = (
                        self.folder / agent.connect["changes"])
                    self.write(agent.name)
        named = any(rs.provision and rs.provision.dn
                    and "login" in rs.provision.dn.reads
                    for agent in self.config.agents for rs in agent.rulesets)
        for name in self.world:
            self.world[name].ordered = named
            if not self.config.by_name[name].is_target:
                self.write(name)

    def write(self, name):
        self.world[name].write(
            self.folder / self.config.by_name[name].connect["path"],
            self.random)

    def run(self, steps):
        self.prepare()
        for number, step in enumerate(steps, 1):
            self.log = [f"step {number}: {step}"]
            getattr(self, "do_" + step[0])(*step[1:])
            if self.watch:
                self.compare()
        self.compare()

    # ---- steps

    def advance(self, days):
        if self.config.timed:
            self.days = self.days + days if days else 0
            self.engine.time = Clock.now = later(families.START, self.days)

    def do_advance(self, days):
        self.advance(days)

    def do_row(self, agent, anchor, row):
        table = self.world[agent]
        if row is None:
            table.rows.pop(anchor, None)
        else:
            table.rows[anchor] = row
        self.write(agent)

    def do_foreign(self, seed):
        random = randoms.Random(seed)
        targets = [a.name for a in self.config.agents if a.is_target]
        if not targets:
            return
        agent = random.choice(targets)
        target = self.world[agent]
        found = families.foreign_change(random, self.config, agent, target)
        if found is None:
            return
        name, change = found
        self.log.append(f"{agent}: {name} {change}")
        rows = target.rows if agent == "book" else target.entries_
        there = target.find(name)
        if agent != "book":
            target.learn(self.folder
                         / self.config.by_name[agent].connect["path"])
        log = agent != "book" and target.log
        if log:
            # An object is told of once between two imports, and what others
            # did is read before the next export: it does not look.
            if name.casefold() in target.touched:
                return
            # A deletion that a guard stops is not read.
            if change is None and \
                    "import" in self.config.by_name[agent].guards:
                return
            target.append(there or name, change)
        if change is None:
            del rows[name]
        elif there and "#rename" in change:
            target.move(there, change["#rename"])
        elif there:
            rows[there].update(change)
        else:
            target.foreign(name, change)
        if log:
            self.do_run(agent, "delta-import" if self.was_read(agent)
                        else "full-import")
        else:
            self.write(agent)

    def was_read(self, agent):
        return self.model.watermark.get(agent)

    def deliver(self, agent):
        """What changed since the last import."""
        table = self.world[agent]
        if isinstance(table, Directory):
            return
        table.delta = table.changes()
        path = self.config.by_name[agent].connect["delta"]["path"]
        (self.folder / path).write_text(
            table.text(table.delta, ["change", "serial"]), encoding="utf-8")

    def do_run(self, agent, profile):
        if profile.startswith("delta-import"):
            if not self.model.watermark.get(agent):
                return None
            self.deliver(agent)
        out = self.engine.call("run", agent, profile)
        self.follow(out)
        self.compare_targets()
        return out

    def do_fail(self, agent, profile):
        """The file cannot be read or written: nothing happens."""
        # An add that was handed over and had no answer may be there: its
        # object is deleted, not forgotten. The model has no such state.
        if profile == "export" and any(
                o.export and o.export["op"] == "add"
                for o in self.model.objs[agent]):
            return
        with blocked(self.folder / self.config.by_name[agent].connect["path"]):
            out = self.engine.call("run", agent, profile,
                                   statuses=(0, 1, 3, 4))
        for step in out["steps"]:
            if step["result"] == "success":     # there was nothing to do
                self.follow_step(agent, step)
            elif step["counters"]:
                raise Difference(f"{agent} {step['kind']} failed and counts "
                                 f"{step['counters']}")
        self.compare_targets()

    def do_cut(self, agent, place):
        """The source's file ends in the middle of a row."""
        table = self.world[agent]
        rows = list(table.rows.values())
        if not rows:
            return
        place %= len(rows)
        self.cut = rows[:place], rows[place][table.anchor]
        path = self.folder / self.config.by_name[agent].connect["path"]
        path.write_text(table.text(rows[:place]) + self.cut[1],
                        encoding="utf-8")
        self.follow(self.engine.call("run", agent, "full-import"))
        self.cut = None
        self.write(agent)

    def do_allow(self, agent, profile):
        """What a guard stops is meant."""
        out = self.do_run(agent, profile)
        if out and stopped_by_guard(out["steps"][-1]):
            self.allow(out)

    def allow(self, run):
        self.model.allowed = True
        if run["profile"].startswith("delta-import"):
            self.deliver(run["agent"])
        self.follow(self.engine.call("run", run["agent"], run["profile"],
                                     "--allow", run["steps"][-1]["token"]))
        self.model.allowed = False
        self.compare_targets()

    def do_cycle(self):
        # Not told what changed: its delta imports read what is there.
        for agent in self.config.agents:
            if agent.delta and self.model.watermark.get(agent.name):
                self.deliver(agent.name)
        out = self.engine.call("cycle")
        for run in out["runs"]:
            self.follow(run)
        self.compare_targets()
        return out

    def do_converge(self):
        before = None
        for _ in range(8):
            out = self.do_cycle()
            left = self.pending()
            stopped = [run for run in out["runs"]
                       if run["steps"] and stopped_by_guard(run["steps"][-1])]
            for run in stopped:
                self.allow(run)
            if not stopped and (not left or left == before):
                break
            before = left
        else:
            raise Difference(f"no end of it: {left}")
        out = self.do_cycle()
        for run in out["runs"]:
            for step in run["steps"]:
                self.idle(run, step)

    def pending(self):
        """What is left; that it is so with the program is compared later."""
        return [(repr(o), o.error, o.pend, bool(o.export))
                for o in self.model.all_objects() if o.pend or o.export]

    def pending_there(self):
        """What is left, as the program tells it."""
        found = self.engine.call("pending", "--imports", "--exports")
        return [(obj["id"], bool(obj["error"]), what)
                for what in ("imports", "exports") for obj in found[what]]

    def idle(self, run, step):
        counters = dict(step["counters"])
        for more in step["outbound"].values():
            counters.update(more)
        moved = {name: count for name, count in counters.items()
                 if count and name not in QUIET | {
                     "stage-no-change", "disconnector-remains",
                     "disconnector-filtered", "flow-failure"}}
        if moved:
            raise Difference(f"{run['agent']} {step['kind']} is not idle: "
                             f"{moved}")

    # ---- following a run

    def follow(self, run):
        for step in run["steps"]:
            self.log.append(f"{run['agent']} {step['kind']}: "
                            f"{step['counters']} {step['outbound']} "
                            f"{[e['code'] for e in step['errors']]}")
            self.follow_step(run["agent"], step,
                             run["profile"] == "delta-import-delta-sync")

    def follow_step(self, agent, step, combined=False):
        kind = step["kind"]
        outbound = {}
        self.model.stopped = None
        if isinstance(self.world[agent], Directory):
            self.world[agent].learn(
                self.folder / self.config.by_name[agent].connect["path"])
        if kind == "full-import":
            rows, unread = self.cut or (None, None)
            counters, errors = self.model.full_import(
                agent, self.world[agent].entries(self.model, rows), unread)
            if not self.model.stopped and unread is None:
                self.seen(agent)
        elif kind == "delta-import" and isinstance(self.world[agent],
                                                   Directory):
            world = self.world[agent]
            counters, errors = self.model.delta_directory(
                agent, world.touched,
                world.entries(self.model, world.touched), combined)
            if not self.model.stopped:
                self.seen(agent)
        elif kind == "delta-import":
            table = self.world[agent]
            changes = []
            for row in table.delta or []:
                what, anchor, _, attrs = table.entry(self.model, row)
                changes.append((anchor, what, None if row["change"] ==
                                "Delete" else attrs))
            table.delta = None
            counters, errors = self.model.delta_import(agent, changes,
                                                       combined)
            if not self.model.stopped:
                self.seen(agent)
        elif kind == "export":
            counters, errors = self.model.run_export(agent,
                                                     self.world[agent])
        else:
            counters, outbound, errors = self.model.sync(
                agent, kind == "full-sync")
        # What fails again and again is left out of some exports, which
        # changes nothing else.
        if step["counters"].get("export-failure", 0) < counters.get(
                "export-failure", 0):
            counters["export-failure"] = step["counters"].get(
                "export-failure", 0)
        where = f"{agent} {kind}"
        if bool(self.model.stopped) != stopped_by_guard(step):
            raise Difference(f"{where}: stopped by a guard: model "
                             f"{bool(self.model.stopped)}, engine "
                             f"{step['result']}")
        self.same_counters(where, counters, step["counters"])
        for target in sorted(set(outbound) | set(step["outbound"])):
            self.same_counters(f"{where}, outbound to {target}",
                               outbound.get(target, {}),
                               step["outbound"].get(target, {}))

    def seen(self, agent):
        self.world[agent].seen()

    @staticmethod
    def same_counters(where, expected, found):
        expected = {n: c for n, c in expected.items()
                    if c and n not in QUIET}
        found = {n: c for n, c in found.items() if c and n not in QUIET}
        if expected != found:
            raise Difference(f"{where}:\n  model  {expected}\n"
                             f"  engine {found}")

    def compare_targets(self):
        for agent in self.config.agents:
            if agent.is_target:
                self.compare_target(agent.name)

    def compare_target(self, agent):
        world = self.world[agent]
        path = self.folder / self.config.by_name[agent].connect["path"]
        found = world.parse(path)
        if isinstance(world, Table):
            expected = {k: {n: v for n, v in row.items() if v}
                        for k, row in world.rows.items()}
            found = {k: {n: v for n, v in row.items() if v}
                     for k, row in found.items()}
        else:
            expected = world.known()
        if expected != found:
            raise Difference(f"{path.name}:\n" + difference(
                sorted(expected.items()), sorted(found.items())))

    def compare(self):
        if not (self.folder / "state/conjoin.db").exists():
            return
        meta, spaces = model_state(self.model)
        found_meta, found_spaces = self.engine.state(self.config)
        if meta != found_meta:
            raise Difference("metaverse:\n" + difference(meta, found_meta))
        for agent, expected in spaces.items():
            if expected != found_spaces[agent]:
                raise Difference(f"connector space of {agent}:\n" +
                                 difference(expected, found_spaces[agent]))


@contextlib.contextmanager
def blocked(path):
    """A folder stands where a file should be."""
    aside = path.with_name("aside")
    there = path.exists()
    if there:
        path.rename(aside)
    path.mkdir()
    yield
    path.rmdir()
    if there:
        aside.rename(path)


def stopped_by_guard(step):
    return step["result"] == "stopped-deletion-threshold-exceeded"


class Alone(Play):
    """The program without the model, undisturbed or not: killed at any
    moment, or with a file that cannot be read or written, and then run
    again."""

    def __init__(self, seed, program, folder, disturb):
        super().__init__(seed, program, folder, False)
        for agent in self.config.agents:    # a kill makes two exports of one
            agent.guards = {}
        self.chance = randoms.Random(seed) if disturb else None
        self.read = set()

    def command(self, *words):
        if self.chance:
            # A cycle that cannot read one source exports what the others
            # come to.
            self.chance.choice([self.kill, self.kill] + [self.block] * (
                words[0] == "run"))(words)
        out = self.engine.call(*words)
        for agent in self.config.agents:
            path = self.folder / agent.connect["path"]
            if agent.is_target and path.exists():
                self.world[agent.name].load(path)
        return out

    def kill(self, words):
        self.engine.run(words, self.chance.uniform(0, .006))

    def block(self, words):
        agent = self.chance.choice(self.config.agents)
        with blocked(self.folder / agent.connect["path"]):
            self.engine.call(*words, statuses=(0, 1, 2, 3, 4))

    def do_fail(self, agent, profile):
        pass

    def do_cut(self, agent, place):
        pass

    def do_allow(self, agent, profile):
        self.do_run(agent, profile)

    def pending(self):
        return self.pending_there()

    def was_read(self, agent):
        return agent in self.read

    def write_delta(self, agent):
        table = self.world[agent.name]
        if isinstance(table, Directory):
            return
        (self.folder / agent.connect["delta"]["path"]).write_text(
            table.text(table.changes(), ["change", "serial"]),
            encoding="utf-8")
        table.seen()

    def do_run(self, agent, profile):
        if profile.startswith("delta-import"):
            if agent not in self.read:
                return
            self.write_delta(self.config.by_name[agent])
        self.command("run", agent, profile)
        if profile.startswith("full-import"):
            self.read.add(agent)
            self.seen(agent)

    def do_cycle(self):
        for agent in self.config.agents:
            if agent.delta:     # a cycle cut off may have read the rest
                self.write_delta(agent)
        self.before_cycle()
        out = self.command("cycle")
        for agent in self.config.agents:
            self.read.add(agent.name)
            self.seen(agent.name)
        return out

    def before_cycle(self):
        pass

    def compare(self):
        pass

    def outcome(self):
        if not (self.folder / "state/conjoin.db").exists():
            return []       # of a sequence that was made shorter
        files = [(agent.name, self.world[agent.name].parse(
            self.folder / agent.connect["path"]))
            for agent in self.config.agents if agent.is_target]
        return [*self.engine.state(self.config), files]


class Planned(Alone):
    """Before each cycle a plan of what its first round writes is made and
    applied: what it says is what the targets hold afterwards. In the end all
    is as without plans."""

    def before_cycle(self):
        # a plan needs a store
        if self.chance and (self.folder / "state/conjoin.db").exists():
            self.plan()

    def command(self, *words):
        """Undisturbed."""
        chance, self.chance = self.chance, None
        out = super().command(*words)
        self.chance = chance
        return out

    def plan(self):
        file = str(self.folder / "a.plan")
        plan = self.engine.call("plan", "--import", "--out", file,
                                statuses=(0, 1, 3, 4))
        if "objects" not in plan or not plan["objects"]:
            return
        before = self.files()
        self.engine.call("plan", "approve", file, "--by", "the model")
        done = self.engine.call("apply", file, statuses=(0, 1, 3, 4, 6))
        self.log.append(f"applied: {plan['agents']}: {done['result']}")
        if done["result"] != "applied":
            raise Difference(f"apply: {done}")
        for agent in self.config.agents:
            self.read.add(agent.name)
            if agent.is_target:
                self.world[agent.name].load(
                    self.folder / agent.connect["path"])
            self.seen(agent.name)
        if all(step["result"] == "success" and not step["errors"]
               for run in done["runs"] for step in run["steps"]):
            self.lay_beside(plan, before)

    def files(self):
        return {agent.name: self.world[agent.name].parse(
            self.folder / agent.connect["path"])
            for agent in self.config.agents if agent.is_target}

    def lay_beside(self, plan, before):
        after = self.files()
        for name, there in before.items():
            found = list(Beside(self.world[name], there, after[name], [
                item for item in plan["objects"]
                if item["agent"] == name]).differences())
            if found:
                raise Difference(f"{name} after a plan:\n  " +
                                 "\n  ".join(found))


class Changed(Alone):
    """In the end the rules change: full synchronizations of all agents, or
    the delta synchronizations of a cycle."""

    def __init__(self, seed, program, folder, delta):
        super().__init__(seed, program, folder, False)
        self.delta = delta
        names = [agent.name for agent in self.config.agents]
        random = randoms.Random(seed)
        while True:
            self.other = families.configuration(random)
            if [agent.name for agent in self.other.agents] == names:
                break
        # A full synchronization tries all disconnectors again, so it joins
        # what `disconnect` has just left; a delta does not.
        for config in (self.config, self.other):
            for agent in config.agents:
                agent.guards = {}
                for rs in agent.rulesets:
                    if rs.deprovision not in (None, "delete",
                                              "explicit-disconnect"):
                        rs.deprovision = "delete"

    def run(self, steps):
        super().run(steps)
        self.config = self.other
        self.config.write(self.folder)
        for name, world in self.world.items():
            world.agent = self.config.by_name[name]
        for kind in ["full-import"] + ["full-sync"] * (not self.delta):
            for agent in self.config.agents:
                self.do_run(agent.name, kind)
        self.do_converge()


def in_two_ways(seed, program, steps, keep, player):
    """None, or how the second way ended otherwise than the first."""
    ends = []
    for second in (False, True):
        folder = scratch(seed)
        play = player(seed, program, folder, second)
        try:
            play.run(play.steps if steps is None else steps)
            ends.append(play.outcome())
        except (Difference, EngineFailed,
                subprocess.SubprocessError) as error:
            return "\n".join([f"{player.__name__} {second}", *play.log,
                              str(error)])
        finally:
            if keep:
                print(f"kept: {folder}")
            else:
                shutil.rmtree(folder, ignore_errors=True)
    if ends[0] == ends[1]:
        return None
    return (f"{player.__name__}: it ends otherwise (engine) than when "
            "nothing is in the way, or all is synchronized in full (model)"
            ":\n" + "\n".join(
                difference([a], [b])[:3000]
                for a, b in zip(*ends) if a != b))


def difference(expected, found):
    lines = [f"  model  {item}" for item in expected if item not in found]
    lines += [f"  engine {item}" for item in found if item not in expected]
    return "\n".join(lines)


def scratch(seed):
    return pathlib.Path(tempfile.mkdtemp(prefix=f"conjoin-model-{seed}-",
                                         dir=RAM))


def attempt(seed, program, steps=None, watch=False, keep=False):
    """None, or the difference as a text."""
    if seed % 10 in PLANS:
        return in_two_ways(seed, program, steps, keep, Planned)
    if seed % 10 == 0:
        return in_two_ways(seed, program, steps, keep, Alone)
    if seed % 10 == 5:
        return in_two_ways(seed, program, steps, keep, Changed)
    folder = scratch(seed)
    play = Play(seed, program, folder, watch)
    try:
        play.run(play.steps if steps is None else steps)
        return None
    except Difference as error:
        return "\n".join(play.log[:1] + play.log[1:][-8:] + [str(error)])
    except (EngineFailed, subprocess.SubprocessError) as error:
        return "\n".join(play.log[:1] + play.log[1:][-8:] + [str(error)])
    except Exception:       # a mistake of the model is a failure too
        return "\n".join(play.log[:1] + play.log[1:][-8:] + [traceback.format_exc()])
    finally:
        if keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def shrink(seed, program):
    """Steps are left out as long as there is a difference."""
    steps = Play(seed, program, pathlib.Path(), False).steps
    size = max(1, len(steps) // 2)
    while size:
        place = 0
        while place < len(steps):
            fewer = steps[:place] + steps[place + size:]
            if attempt(seed, program, fewer):
                steps = fewer
            else:
                place += size
        size //= 2
    return steps


def one(seed, program):
    return seed, attempt(seed, program)


def report(seed, program, text, keep):
    print(f"FAILED  seed {seed}", flush=True)
    steps = shrink(seed, program)
    text = attempt(seed, program, steps, watch=True, keep=keep) or text
    for step in steps:
        print(f"    {step}")
    print("    " + text.replace("\n", "\n    "))
    print(f"    again: ./dev model --only {seed}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--conjoin", default=os.environ.get(
        "CONJOIN", str(ROOT / "build/conjoin")), metavar="PATH")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="SEED")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=int, default=0,
                        help="begin none after so many seconds")
    parser.add_argument("--stop", type=int, default=5,
                        help="after so many failures")
    parser.add_argument("--plans", action="store_true",
                        help="a plan before each cycle, in all sequences")
    parser.add_argument("--keep", action="store_true",
                        help="keep the folder of a failure")
    options = parser.parse_args()
    program = pathlib.Path(options.conjoin).resolve()
    if options.plans:
        PLANS[:] = range(10)    # of the workers too: they are forks
    if options.only is not None:
        text = attempt(options.only, program, keep=options.keep)
        if text:
            report(options.only, program, text, options.keep)
        print(f"{int(not text)} passed, {int(bool(text))} failed")
        return 1 if text else 0
    passed = failed = 0
    end = time.monotonic() + options.seconds if options.seconds else None
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        seeds = iter(range(options.seed, options.seed + options.count))
        waiting = set()
        more = True
        while more or waiting:
            while more and len(waiting) < 4 * options.jobs:
                seed = next(seeds, None)
                if seed is None or failed >= options.stop or (
                        end and time.monotonic() > end):
                    more = False
                else:
                    waiting.add(pool.submit(one, seed, program))
            done, waiting = concurrent.futures.wait(
                waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                seed, text = future.result()
                if not text:
                    passed += 1
                    continue
                failed += 1
                if failed <= options.stop:
                    report(seed, program, text, options.keep)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
