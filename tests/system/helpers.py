"""What the system tests share: the program, folders of configuration, people.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CONJOIN = os.environ.get("CONJOIN", str(ROOT / "build/conjoin"))
sys.path.insert(0, str(ROOT / "tools"))
import ldifread  # noqa: E402


class Done:
    """A command that ended."""

    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.err = err

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.status}\n{self.out}\n{self.err}"


class Folder:
    """A configuration folder and the program that works on it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def command(self, *words):
        return [CONJOIN, *map(str, words), "--folder", str(self.path)]

    def conjoin(self, *words, stdin="", **options):
        done = subprocess.run(
            self.command(*words), input=stdin.encode(), timeout=300,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
            **options)
        return Done(done.returncode, done.stdout.decode("utf-8", "replace"),
                    done.stderr.decode("utf-8", "replace"))

    def ok(self, *words, status=0, **options):
        """Runs a command that must end with this status."""
        done = self.conjoin(*words, **options)
        assert done.status == status, f"conjoin {words}: {done}"
        return done

    def json(self, *words, status=0, **options):
        return self.ok(*words, "--json", status=status, **options).json

    def start(self, *words):
        return subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE)

    def write(self, name, text, encoding="utf-8"):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(encoding)
                         if isinstance(text, str) else text)

    def read(self, name):
        return (self.path / name).read_text(encoding="utf-8")

    def replace(self, name, old, new):
        text = self.read(name)
        assert old in text, f"{name} has no '{old}'"
        self.write(name, text.replace(old, new))

    def step(self, agent, profile, status=0):
        """The one step of a run."""
        return self.json("run", agent, profile, status=status)["steps"][-1]

    def ldif(self, *names):
        return ldifread.read_files(*(self.path / name for name in names))


def counted(step):
    """The counters of a step that are not 0."""
    return {name: count for name, count in step["counters"].items() if count}


def conforms(connector, server, **more):
    """A directory's connector passes the suite of tests/connector on it."""
    program = pathlib.Path(CONJOIN).parent / "tests/connector_test_directory"
    where = {"DIR_CONNECTOR": connector, "DIR_BASE": server.base,
             "DIR_BIND_DN": server.bind_dn, "DIR_PASSWORD": server.password,
             "DIR_URL": server.tls_url or server.url}
    if server.ca_file:
        where["DIR_CA_FILE"] = str(server.ca_file)
    done = subprocess.run([program], capture_output=True, text=True,
                          timeout=300, check=False,
                          env={**os.environ, **where, **more})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASSED" in done.stdout + done.stderr


def demo_folder(path, people=None):
    """A copy of examples/demo, with this many people when given."""
    shutil.copytree(ROOT / "examples/demo", path, dirs_exist_ok=True)
    if people:
        subprocess.run([sys.executable, str(ROOT / "tools/make-demo.py"),
                        "--people", str(people), str(path)], check=True)
    return Folder(path)


def take_changes(folder):
    """What the source systems deliver the next day."""
    for file in (folder.path / "changes").glob("*.csv"):
        shutil.copy(file, folder.path / "data")


def metaverse(folder, kind):
    """The objects of a type without their numbers: references are told by
    what their targets are called."""
    objects = folder.json("search", "mv", kind)["objects"]
    everything = {}
    for name in ("person", "group"):
        for obj in folder.json("search", "mv", name)["objects"]:
            values = obj["attributes"]
            label = values.get("employeeID") or values.get("name")
            everything[f"mv {obj['id']}"] = label[0]
    plain = []
    for obj in objects:
        plain.append((
            {name: sorted(everything.get(value, value) for value in values)
             for name, values in obj["attributes"].items()},
            sorted((c["agent"], c["rule_set"], c["anchor"], c["dn"])
                   for c in obj["connectors"])))
    return sorted(plain, key=repr)
