#!/usr/bin/env python3
"""The measurements behind `./dev bench`.

Each step of the program is timed as a whole process, from start to exit, on a
company that people.py makes; beside it, alternating with it, what SQLite and
the disk need for the same rows or bytes without the engine (limits.c). The
medians and their ratio are printed. docs/performance.md explains each line.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import directory
import files
import five
import growth
import people
import programs

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tools"))
import database  # noqa: E402
import pgserver  # noqa: E402

# Of the server that --store postgresql starts; all else as Debian has it.
SETTINGS = ["shared_buffers = 256MB", "max_wal_size = 4GB"]
CONJOIN = pathlib.Path(os.environ.get("CONJOIN", ROOT / "build/conjoin"))
LIMITS = CONJOIN.parent / "bench_limits"
IMPORT_BATCH = 262144   # objects in a transaction: src/import/import.c
SYNC_BATCH = 20000      # about: src/sync/flush.c
FIVE_BATCH = 1024       # such objects reach its limit of memory
ROWS_MAX = 2000000      # people whose rows the limits can hold in memory
STARTS = 21
CYCLE = [("hr", "delta-import"), ("hr", "delta-sync"),
         ("directory", "export"), ("directory", "delta-import"),
         ("directory", "delta-sync")]


def make_one_file(store):
    """What lies in a log beside it goes into it: limits read the file."""
    database = sqlite3.connect(store)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


class Failed(Exception):
    """Something did not run, or did not do what is measured."""


def run_process(words, log):
    """Runs a program. Gives its exit status, seconds and peak memory in MB."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 1, log, flags, 0o600),
               (os.POSIX_SPAWN_DUP2, 1, 2)]
    begin = time.perf_counter()
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - begin
    return (os.waitstatus_to_exitcode(status), seconds,
            usage.ru_maxrss * 1024 / 1e6)


class Bench(directory.DirectorySteps, five.FiveSteps, programs.ExecSteps,
            files.FileSteps, database.DatabaseSteps):
    """A company's folder, the states that it passes through, and what was
    measured in them."""

    def __init__(self, work, size):
        self.work = work
        self.size = size
        self.folder = work / "company"
        self.states = work / "states"
        self.group_folder = work / "group"
        self.group_members = 0
        self.log = str(work / "output")
        self.scratch = work / "scratch"
        self.slapd = None
        self.databases = {}
        self.ldap_filled = None
        self.five_folder = work / "five"
        self.five_batch = FIVE_BATCH
        self.workload = {}
        self.file_columns = 0
        self.peak = 0.0
        self.peak_of = ""
        subprocess.run([sys.executable, str(HERE / "people.py"), "--size",
                        str(size), str(self.folder)], check=True)

    # ---- running things ----

    def conjoin(self, agent, profile, folder=None, options=(), **expected):
        """One run; its counters must be those expected. Gives seconds."""
        os.sync()
        words = [str(CONJOIN), "run", agent, profile, *options, "--json",
                 "--folder", str(folder or self.folder)]
        status, seconds, memory = run_process(words, self.log)
        text = pathlib.Path(self.log).read_text(encoding="utf-8")
        if status != 0:
            raise Failed(f"'{' '.join(words)}' ended with {status}: {text}")
        step = json.loads(text)["steps"][-1]
        counters = dict(step["counters"])
        for outbound in step["outbound"].values():
            counters.update((f"to-{k}", v) for k, v in outbound.items())
        for name, count in expected.items():
            name = name.replace("_", "-")
            if counters.get(name) != count:
                raise Failed(f"{agent} {profile}: {count} '{name}' were "
                             f"expected; there are {counters}")
        self.see_peak(memory, f"{agent} {profile}")
        return seconds

    def see_peak(self, memory, what):
        if memory > self.peak:
            self.peak = memory
            self.peak_of = what

    def limit(self, *words):
        """One limit, in a fresh folder for what it writes. Gives seconds."""
        if words[0] == "write" and self.size > ROWS_MAX:
            return None
        os.sync()
        done = subprocess.run([str(LIMITS), *map(str, words)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False)
        if done.returncode != 0:
            raise Failed(f"bench_limits {words[0]}: {done.stderr}")
        return float(done.stdout.split()[0])

    def fresh(self):
        """An empty folder for what a limit writes."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        return self.scratch

    # ---- states: the company after each step ----

    def restore(self, name):
        """Puts the company into a state; makes it first when need be."""
        if not (self.states / name).exists():
            MAKE[name](self)
            self.save(name)
        for part in ("state", "out"):
            shutil.rmtree(self.folder / part, ignore_errors=True)
        self.restore_store(name)
        for part in ("state", "out"):
            if (self.states / name / part).exists():
                shutil.copytree(self.states / name / part, self.folder / part)

    def save(self, name):
        """Keeps the state that the company is in."""
        if (self.states / name).exists():
            return
        (self.states / name).mkdir(parents=True)
        self.save_store(name)
        for part in ("state", "out"):
            if (self.folder / part).exists():
                shutil.copytree(self.folder / part, self.states / name / part)

    def store_of(self, name):
        return self.states / name / "state/conjoin.db"

    def save_store(self, name):
        """The file goes with its folder, alone."""
        if (self.folder / "state/conjoin.db").exists():
            make_one_file(self.folder / "state/conjoin.db")

    def restore_store(self, name):
        """The file comes with its folder."""

    # ---- the same for the other companies, which have one state to keep ----

    def place_store(self, folder, database):
        """The company has its store where it says."""

    def empty_store(self, folder, database):
        """Nothing was read yet."""
        shutil.rmtree(folder / "state", ignore_errors=True)

    def keep_store(self, folder, database):
        make_one_file(folder / "state/conjoin.db")
        shutil.copytree(folder / "state", folder / "kept")

    def has_kept_store(self, folder, database):
        return (folder / "kept").exists()

    def take_kept_store(self, folder, database):
        self.empty_store(folder, database)
        shutil.copytree(folder / "kept", folder / "state")

    def make_empty(self):
        """Nothing was read yet."""
        for part in ("state", "out"):
            shutil.rmtree(self.folder / part, ignore_errors=True)

    def make_imported(self):
        self.import_initial()

    def make_synced(self):
        self.sync_initial()

    def make_joined(self):
        """Groups are there too; all waits to be exported."""
        groups = people.group_count(self.size)
        self.restore("synced")
        self.conjoin("groups", "full-import", stage_add=groups)
        self.conjoin("groups", "full-sync",
                     disconnector_projected_flow=groups)

    def make_exported(self):
        self.export_ldif()

    def make_steady(self):
        """What was exported came back: nothing is left to do."""
        self.restore("exported")
        self.conjoin("directory", "full-import", stage_add=self.everything())
        self.conjoin("directory", "delta-sync",
                     connector_no_flow=self.everything())

    def everything(self):
        return self.size + people.group_count(self.size)

    # ---- what is measured: the step, then its limit ----

    def import_initial(self):
        self.restore("empty")
        seconds = self.conjoin("hr", "full-import", stage_add=self.size)
        self.save("imported")
        return seconds

    def import_initial_limit(self):
        return self.limit("write", "-", self.store_of("imported"),
                          self.fresh() / "new.db", IMPORT_BATCH)

    def import_unchanged(self):
        self.restore("steady")
        return self.conjoin("hr", "full-import", stage_no_change=self.size)

    def import_unchanged_limit(self):
        return self.limit("parse", self.folder / "data/hr.csv")

    def sync_initial(self):
        self.restore("imported")
        seconds = self.conjoin("hr", "full-sync",
                               disconnector_projected_flow=self.size,
                               to_provisioned_add_flow=self.size)
        self.save("synced")
        return seconds

    def sync_initial_limit(self):
        return self.limit("write", self.store_of("imported"),
                          self.store_of("synced"), self.fresh() / "new.db",
                          SYNC_BATCH)

    def sync_unchanged(self):
        self.restore("steady")
        return self.conjoin("hr", "full-sync", connector_no_flow=self.size)

    def sync_unchanged_limit(self):
        return self.limit("scan", self.store_of("steady"))

    def sync_shared(self):
        self.restore("steady")
        return self.conjoin("hr", "full-sync", options=("--processes", "2"),
                            connector_no_flow=self.size)

    def sync_shared_limit(self):
        return self.sync_unchanged_limit()

    def plan(self):
        self.restore("imported")
        os.sync()
        words = [str(CONJOIN), "plan", "--out", str(self.work / "a.plan"),
                 "--limit", "1", "--folder", str(self.folder)]
        status, seconds, memory = run_process(words, self.log)
        text = pathlib.Path(self.log).read_text(encoding="utf-8")
        if status != 0 or f"directory: {self.size} add" not in text:
            raise Failed(f"'{' '.join(words)}' ended with {status}: {text}")
        self.see_peak(memory, "plan")
        return seconds

    def plan_limit(self):
        """What it simulates."""
        self.restore("imported")
        return self.conjoin("hr", "delta-sync",
                            disconnector_projected_flow=self.size,
                            to_provisioned_add_flow=self.size)

    def delta_cycle(self):
        changes = people.changes_of(self.size)
        few = max(changes // 20, 1)
        self.restore("steady")
        return sum(self.conjoin(agent, profile, **expected)
                   for (agent, profile), expected in zip(CYCLE, [
                       {"stage_update": changes - 2 * few, "stage_add": few,
                        "stage_delete": few},
                       {"connector_flow": changes - 2 * few},
                       {"export_add": few, "export_delete": few},
                       {"stage_add": few, "stage_delete": few}, {}]))

    def delta_cycle_limit(self):
        store = self.fresh() / "conjoin.db"
        shutil.copy(self.store_of("steady"), store)
        rows = people.changes_of(self.size)
        return sum(self.limit("durable", store, rows) for _ in CYCLE)

    # ---- the other companies and sizes ----

    def change_workload(self):
        """A day on which 1% go, 1% come and 5% change, told by a full file."""
        data = self.folder / "data"
        self.restore("steady")
        if not self.workload:
            self.workload = people.write_workload(data, self.size)
            shutil.copy(data / "hr.csv", data / "hr-first.csv")
        gone, new, changed = self.workload.values()
        shutil.copy(data / "hr-next.csv", data / "hr.csv")
        try:
            return sum(self.conjoin(agent, profile, **expected)
                       for agent, profile, expected in [
                           ("hr", "full-import",
                            {"stage_add": new, "stage_delete": gone,
                             "stage_update": changed}),
                           ("hr", "delta-sync", {}),
                           ("directory", "export",
                            {"export_add": new, "export_delete": gone}),
                           ("directory", "full-import", {}),
                           ("directory", "delta-sync", {})])
        finally:
            shutil.copy(data / "hr-first.csv", data / "hr.csv")

    def change_workload_limit(self):
        store = self.fresh() / "conjoin.db"
        shutil.copy(self.store_of("steady"), store)
        return sum(self.limit("durable", store, sum(self.workload.values()))
                   for _ in CYCLE)

    def smaller(self, size):
        """A company of another size, beside this one."""
        return Bench(self.work / f"growth-{size}", size)

    def close(self):
        self.close_directory()
        self.close_databases()

    def export_ldif(self):
        self.restore("joined")
        seconds = self.conjoin("directory", "export",
                               export_add=self.everything())
        self.save("exported")
        return seconds

    def export_ldif_limit(self):
        return self.limit("bytes",
                          self.states / "exported/out/directory.ldif",
                          self.fresh() / "new.ldif")

    # ---- one member more ----

    def make_group(self):
        """A company of its own: one group with half of all people, known in a
        directory whose changes are told by value, and in a target."""
        half = self.size // 2
        people.write_group_company(self.group_folder, self.size, half)
        self.group_members = half
        self.place_store(self.group_folder, "company_group")
        for agent, profile, expected in [
                ("source", "full-import", {"stage_add": self.size + 1}),
                ("source", "full-sync",
                 {"disconnector_projected_flow": self.size + 1}),
                ("target", "export", {"export_add": self.size + 1}),
                ("target", "full-import", {"stage_add": self.size + 1}),
                ("target", "delta-sync",
                 {"connector_no_flow": self.size + 1})]:
            self.conjoin(agent, profile, self.group_folder, **expected)

    def member_change(self):
        if not self.group_folder.exists():
            self.make_group()
        people.write_member_change(self.group_folder, self.group_members)
        self.group_members += 1
        seconds = sum(self.conjoin(agent, profile, self.group_folder,
                                   **expected)
                      for agent, profile, expected in [
                          ("source", "delta-import", {"stage_update": 1}),
                          ("source", "delta-sync", {"connector_flow": 1}),
                          ("target", "export", {"export_update": 1})])
        # what comes back is not timed
        self.conjoin("target", "delta-import", self.group_folder,
                     stage_update=1)
        self.conjoin("target", "delta-sync", self.group_folder,
                     connector_no_flow=1)
        return seconds

    def member_change_limit(self):
        store = self.fresh() / "conjoin.db"
        make_one_file(self.group_folder / "state/conjoin.db")
        shutil.copy(self.group_folder / "state/conjoin.db", store)
        return sum(self.limit("durable", store, 1) for _ in range(3))


class ServerBench(Bench):
    """The same with the store on a PostgreSQL server. A state is a database;
    the limits are those of files, of a company that is beside it."""

    def __init__(self, work, size, server, prefix=""):
        super().__init__(work, size)
        self.server = server
        self.prefix = prefix
        self.files = Bench(work / "files", size)
        self.move(self.folder, "company")

    def move(self, folder, database):
        path = folder / "conjoin.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("sqlite:state/conjoin.db",
                                     self.server.address(
                                         self.prefix + database)),
                        encoding="utf-8")
        self.copy_database("template1", database)

    def copy_database(self, old, new):
        """What the last process did is over, but its connection may not be."""
        old, new = (name if name == "template1" else self.prefix + name
                    for name in (old, new))
        for name in {old, new} - {"template1"}:
            self.server.sql("SELECT pg_terminate_backend(pid) FROM "
                            f"pg_stat_activity WHERE datname = '{name}'")
        self.server.sql(f"DROP DATABASE IF EXISTS {new}")
        self.server.sql(f"CREATE DATABASE {new} TEMPLATE {old} "
                        "STRATEGY file_copy")
        self.server.sql("CHECKPOINT")

    def save_store(self, name):
        self.copy_database("company", f"state_{name}")

    def restore_store(self, name):
        self.copy_database(f"state_{name}", "company")

    def make_empty(self):
        super().make_empty()
        self.copy_database("template1", "company")

    def place_store(self, folder, database):
        self.move(folder, database)

    def empty_store(self, folder, database):
        self.copy_database("template1", database)

    def keep_store(self, folder, database):
        self.copy_database(database, f"{database}_kept")
        (folder / "kept").mkdir()

    def take_kept_store(self, folder, database):
        self.copy_database(f"{database}_kept", database)

    def smaller(self, size):
        return ServerBench(self.work / f"growth-{size}", size, self.server,
                           f"of{size}_")


def limit_of_files(name):
    def limit(self):
        for state in STATES_OF_LIMITS.get(name, ()):
            self.files.restore(state)
        if name == "member_change" and not self.files.group_folder.exists():
            self.files.make_group()
        if name == "change_workload":
            self.files.workload = self.workload
        if name == "sync_five_targets" and not self.files.five_folder.exists():
            self.files.sync_five_targets()
        return getattr(self.files, f"{name}_limit")()
    return limit


STATES_OF_LIMITS = {"import_initial": ["imported"],
                    "sync_initial": ["imported", "synced"],
                    "sync_unchanged": ["steady"], "sync_shared": ["steady"],
                    "delta_cycle": ["steady"],
                    "change_workload": ["steady"],
                    "export_ldif": ["exported"]}

MAKE = {name: getattr(Bench, f"make_{name}") for name in
        ("empty", "imported", "synced", "joined", "exported", "steady")}
STEPS = ["import-initial", "import-unchanged", "sync-initial",
         "sync-unchanged", "plan", "sync-shared", "delta-cycle",
         "change-workload", "member-change", "export-ldif",
         "sync-five-targets"]
LDAP = ["ldap-import", "ldap-import-unchanged", "ldap-export"]
FILES = ["ldif-import-unchanged", "fixed-import-unchanged"]
PAIRS = STEPS + LDAP + FILES + ["exec-import"] + database.STEPS
NAMES = PAIRS + ["memory-peak", "start", "growth"]


# Beside a plan stands the synchronization of the same store.
for each_name in set(STEPS) - {"plan"}:
    each_name = each_name.replace("-", "_")
    setattr(ServerBench, f"{each_name}_limit", limit_of_files(each_name))


def method(bench, name):
    return getattr(bench, name.replace("-", "_"))


def measure_pair(bench, name, repeat):
    """Ours and the limit by turns, so that both meet the same weather."""
    ours, limits = [], []
    for turn in range(repeat):
        tell(f"{name} {turn + 1}/{repeat}")
        ours.append(method(bench, name)())
        limits.append(method(bench, name + "-limit")())
    return result(name, statistics.median(ours), "s",
                  None if None in limits else statistics.median(limits))


def measure_size(bench, repeat):
    """What one object costs, and a cycle of changes: name -> value, unit."""
    found = {}
    for name in growth.PER_OBJECT + [growth.CYCLE]:
        tell(f"growth: {name} of {bench.size}")
        seconds = statistics.median(method(bench, name)()
                                    for _ in range(repeat))
        found[name] = (seconds, "s") if name == growth.CYCLE else \
            (seconds * 1e6 / bench.size, "us")
    return found


def measure_growth(bench, sizes, repeat):
    """Beside each value stands that of the smallest company."""
    results = []
    first = None
    for size in sizes:
        company = bench if size == bench.size else bench.smaller(size)
        found = measure_size(company, repeat)
        if company is not bench:
            bench.see_peak(company.peak, company.peak_of)
            company.close()
            shutil.rmtree(company.work)
        for name, (value, unit) in found.items():
            results.append(result(growth.name_of(size, name), value, unit,
                                  first[name][0] if first else None))
        first = first or found
    return results


def measure_memory(bench, done):
    """The peak of all steps; those that were not measured are run once."""
    for name in STEPS:
        if name not in done:
            tell(f"memory-peak: {name}")
            method(bench, name)()
    tell(f"the most memory was taken by '{bench.peak_of}'")
    return result("memory-peak", bench.peak, "MB")


def measure_start(bench):
    tell("start")
    words = [str(CONJOIN), "version"]
    times = [run_process(words, bench.log)[1] for _ in range(STARTS)]
    return result("start", statistics.median(times) * 1000, "ms")


def result(name, value, unit, baseline=None):
    return {"name": name, "value": round(value, 6), "unit": unit,
            "baseline": None if baseline is None else round(baseline, 6),
            "ratio": None if baseline is None else round(value / baseline, 3)}


def tell(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def measure(bench, names, repeat, sizes):
    results = []
    for name in names:
        if name == "memory-peak":
            results.append(measure_memory(bench, names))
        elif name == "start":
            results.append(measure_start(bench))
        elif name == "growth":
            results += measure_growth(bench, sizes, repeat)
        else:
            results.append(measure_pair(bench, name, repeat))
    return results


def print_table(results, size):
    print(f"{size} people, {people.group_count(size)} groups, "
          f"{people.changes_of(size)} changes; {os.cpu_count()} cores\n")
    wide = max(18, *(len(each["name"]) + 2 for each in results))
    print(f"{'':{wide}}{'conjoin':>12}   {'limit':>12}   {'ratio':>8}")
    for each in results:
        unit = each["unit"]
        digits = 3 if unit == "s" else 1
        line = f"{each['name']:{wide}}{each['value']:9.{digits}f} {unit:2}"
        if each["baseline"] is not None:
            line += f"   {each['baseline']:9.{digits}f} {unit:2}" \
                    f"   {each['ratio']:8.2f}"
        print(line)


def read_arguments():
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description="time the steps of a cycle beside their physical limits")
    parser.add_argument("--size", type=int, default=100000, metavar="N",
                        help="people in the company (100000)")
    parser.add_argument("--store", choices=["sqlite", "postgresql"],
                        default="sqlite", help="where the store is: a file, "
                        "or a PostgreSQL server that is started for it; the "
                        "limits are those of a file")
    parser.add_argument("--only", metavar="NAME,...",
                        help="only these: " + ", ".join(NAMES))
    parser.add_argument("--repeat", type=int, default=3, metavar="N",
                        help="how often each is measured (3); the median "
                             "counts")
    parser.add_argument("--json", action="store_true",
                        help="print one JSON document")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR",
                        help="work in this empty folder and leave it there")
    parser.add_argument("--sizes", metavar="N,...", dest="sizes_given",
                        help="the sizes of growth (10000, 100000, 1000000 as "
                             "far as they are below --size, and that)")
    parser.add_argument("--plot", type=pathlib.Path, metavar="FILE",
                        help="draw the growth into this SVG file")
    args = parser.parse_args()
    args.names = args.only.split(",") if args.only else NAMES
    for name in args.names:
        if name not in NAMES:
            parser.error(f"nothing is called '{name}'; there are: "
                         + ", ".join(NAMES))
    # memory is that of all steps, so they go first
    args.names = [name for name in NAMES if name in args.names]
    args.sizes = growth.sizes_up_to(args.size)
    if args.sizes_given:
        args.sizes = read_sizes(parser, args.sizes_given)
    if args.size < 100 or args.repeat < 1 or args.sizes[0] < 100:
        parser.error("sizes must be 100 or more, --repeat 1 or more")
    if args.plot and "growth" not in args.names:
        parser.error("--plot draws what 'growth' measures: name it in --only")
    return args


def read_sizes(parser, text):
    try:
        return sorted({int(each) for each in text.split(",")})
    except ValueError:
        parser.error(f"--sizes: '{text}' is no list of numbers")


def measure_all(bench, args):
    try:
        return measure(bench, args.names, args.repeat, args.sizes)
    finally:
        bench.close()


def measure_on(args, work):
    if args.store == "sqlite":
        return measure_all(Bench(work, args.size), args)
    with pgserver.Server(SETTINGS) as server:
        os.environ.update(server.environment())
        return measure_all(ServerBench(work, args.size, server), args)


def main():
    args = read_arguments()
    for program in (CONJOIN, LIMITS):
        if not program.exists():
            raise Failed(f"{program} is not there: build it by ./dev bench")
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
        if any(args.keep.iterdir()):
            raise Failed(f"'{args.keep}' is not empty")
        work = args.keep.resolve()
    else:
        (ROOT / "bench-out").mkdir(exist_ok=True)
        work = pathlib.Path(tempfile.mkdtemp(dir=ROOT / "bench-out"))
    try:
        tell(f"making {args.size} people in {work}")
        results = measure_on(args, work)
        if args.plot:
            args.plot.write_text(growth.draw(results), encoding="utf-8")
    finally:
        if not args.keep:
            shutil.rmtree(work)
    if args.json:
        print(json.dumps(results, indent=1))
    else:
        print_table(results, args.size)


if __name__ == "__main__":
    try:
        main()
    except Failed as why:
        print(f"bench: {why}", file=sys.stderr)
        sys.exit(1)
