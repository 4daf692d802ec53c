"""Connectors that are programs: what a wrong one does fails its own run, with a
message that tells what it was, and nothing else.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import subprocess

import pytest

from helpers import CONJOIN, ROOT, Folder

WRONG = pathlib.Path(__file__).with_name("wrong.py")
EXAMPLES = ROOT / "examples/connectors"
MAIN = """conjoin: 1
agents: [hr, target]
metaverse:
  person:
    attributes:
      id: { type: string, index: true }
      name: string
    delete: { when: [hr] }
"""
SOURCE = """type: exec
connect:
  command: ['%s', '%s', '%s']
%s
objects:
  person:
    metaverse: person
    join: [ { id: id } ]
    project: true
    import: { id: id, name: name }
"""
CSV = """type: csv
connect: { path: people.csv, anchor: id }
objects:
  person:
    metaverse: person
    project: true
    import: { id: id, name: name }
"""
TARGET = """type: exec
connect:
  command: ['%s', '%s', '%s']
  can: [import, export]
  timeout: 5
objects:
  person:
    metaverse: person
    join: [ { id: id } ]
    provision: true
    export: { id: id, name: name }
"""


def source(path, kind, settings="  timeout: 5"):
    folder = Folder(path)
    folder.write("conjoin.yaml", MAIN.replace(", target", ""))
    folder.write("agents/hr.yaml", SOURCE % (WRONG, kind, path, settings))
    return folder


def failed(folder, agent, profile, status=4):
    done = folder.conjoin("run", agent, profile)
    assert done.status == status, done
    return done.out + done.err


def people(folder):
    return folder.json("search", "cs", "hr")["objects"]


@pytest.mark.parametrize("kind, says", [
    ("no hello", "ended with status 1: there is no database"),
    ("rubbish", "line 1 of its output: it is not JSON"),
    ("newer", "speaks version 2 of the protocol, this is version 1"),
    ("cannot", "'can' of the agent has 'delta'"),
    ("other answer", "it answers 'hi' where 'hello' is expected"),
    ("denied", "says: wrong password"),
    ("crash", "ended with status 1: RuntimeError: the database is gone"),
    ("ends early", "ended with status 0, after line 5"),
    ("half a line", "after line 5 of its output, in the middle of the next"),
    ("long line", "it is longer than 16 MiB"),
    ("unknown message", "'objekt' is no message of a full import"),
    ("delete in a full import", "'delete' is no message of a full import"),
    ("deep", "nested more than 16 deep"),
    ("latin 1", "is not UTF-8"),
    ("lies", "'end' counts 9 objects where it gave 2"),
])
def test_wrong_imports(tmp_path, kind, says):
    folder = source(tmp_path, "fine", "  can: [import, delta]")
    folder.ok("run", "hr", "full-import")
    before = people(folder)
    assert len(before) == 2
    folder.replace("agents/hr.yaml", "fine", kind)
    assert says in failed(folder, "hr", "full-import")
    # and nothing is taken for gone, nor for read
    assert people(folder) == before


@pytest.mark.parametrize("kind", ["silent", "hangs"])
def test_silence(tmp_path, kind):
    folder = source(tmp_path, kind, "  timeout: 1")
    assert "was silent for 1 seconds" in failed(folder, "hr", "full-import")


def test_credits(tmp_path):
    folder = source(tmp_path, "credits")
    folder.ok("run", "hr", "full-import")
    assert len(people(folder)) == 2500


def test_memory(tmp_path):
    folder = source(tmp_path, "memory", "  memory: 256")
    assert "MemoryError" in failed(folder, "hr", "full-import")


def test_standard_error_is_bounded(tmp_path):
    folder = source(tmp_path, "floods errors")
    done = folder.ok("run", "hr", "full-import")
    assert done.err.count("connector says") == 101
    assert 'text="warning 99"' in done.err
    assert 'text="warning 100"' not in done.err


def test_bad_objects_are_errors_of_their_own(tmp_path):
    folder = source(tmp_path, "wrong values")
    step = folder.step("hr", "full-import", status=1)
    assert len(people(folder)) == 2
    found = {error["code"] for error in step["errors"]}
    assert found == {"unsupported-value-type", "invalid-base64-value",
                     "invalid-attribute-value", "missing-anchor-component"}
    assert step["errors"][0]["where"] == "output of wrong.py:6"


def test_a_crash_is_survived_once(tmp_path):
    folder = source(tmp_path, "crash once", "  can: [import, delta]")
    done = folder.ok("run", "hr", "full-import")
    assert "connector is started again" in done.err
    assert len(people(folder)) == 2
    (tmp_path / "seen").unlink()
    folder.replace("agents/hr.yaml", "  can:", "  restarts: 0\n  can:")
    assert "the database is gone" in failed(folder, "hr", "full-import")


def test_it_is_shut_in(tmp_path):
    folder = source(tmp_path, "look", """  memory: 512
  options: { url: 'http://x', password: 'secret:hr', list: [a, b] }
  environment: { HOME: /nowhere }""")
    folder.ok("secret", "set", "hr", stdin="geheim\n")
    folder.ok("run", "hr", "full-import",
              env={**os.environ, "SECRET_OF_OURS": "x"})
    seen = json.loads(folder.read("seen"))
    assert seen["files"] == [0, 1, 2]
    assert sorted(name for name in seen["environment"]
                  if name not in ("LC_CTYPE", "PWD")) == \
        ["HOME", "LANG", "PATH"]
    assert seen["status"]["NoNewPrivs"] == "1"
    assert seen["group"] and seen["memory"] == 512 << 20
    assert seen["folder"] == str(tmp_path)
    assert seen["options"] == {"url": "http://x", "password": "geheim",
                               "list": ["a", "b"]}
    assert "geheim" not in json.dumps([seen["environment"], seen["argv"]])


def test_what_it_started_goes_with_it(tmp_path):
    folder = source(tmp_path, "leaves children")
    folder.ok("run", "hr", "full-import")
    child = pathlib.Path("/proc") / folder.read("seen") / "stat"
    assert not child.exists() or child.read_text().split()[2] == "Z"


def target(path, kind):
    folder = Folder(path)
    folder.write("conjoin.yaml", MAIN)
    folder.write("people.csv", "id,name\n1,Ann\n2,Bob\n")
    folder.write("agents/hr.yaml", CSV)
    folder.write("agents/target.yaml", TARGET % (WRONG, kind, path))
    folder.ok("run", "hr", "full-import")
    folder.ok("run", "hr", "full-sync")
    return folder


@pytest.mark.parametrize("kind, says", [
    ("unknown id", "no operation 100"),
    ("twice", "there is no operation"),
    ("not ok", "a result has 'ok', true or false"),
    ("rubbish result", "it is not JSON"),
    ("lies about results", "'end' counts 77 results where it gave 2"),
])
def test_wrong_exports(tmp_path, kind, says):
    assert says in failed(target(tmp_path, kind), "target", "export")


def test_no_result(tmp_path):
    folder = target(tmp_path, "no result")
    folder.replace("agents/target.yaml", "timeout: 5", "timeout: 1")
    assert "had to answer an operation" in failed(folder, "target", "export")


def test_what_has_no_result_is_written_again(tmp_path):
    folder = target(tmp_path, "crash while writing")
    done = folder.ok("run", "target", "export")
    assert "the network is gone" in done.err
    asked = [json.loads(line) for line in folder.read("asked").splitlines()]
    # the first one's result may have been read, or not
    again = [ask for ask in asked if ask.get("retry")]
    assert 2 in [ask["id"] for ask in again]
    assert {ask["id"] for ask in asked} == {1, 2}


# --- conjoin connector test ------------------------------------------------

def suite(*words, status=0):
    done = subprocess.run(
        [CONJOIN, "connector", "test", "--json", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120,
        check=False)
    assert done.returncode == status, done.stdout.decode()
    return json.loads(done.stdout)


def test_suite_on_python(tmp_path):
    seen = suite("--option", f"file={tmp_path}/people.json", "--write", "--",
                 EXAMPLES / "python/people.py")
    assert (seen["failed"], seen["left_out"]) == (0, 0)


def test_suite_on_shell(tmp_path):
    (tmp_path / "people").write_text('1:O"Hara:Clerk:1,2\n2:B\\C::\n')
    seen = suite("--option", f"file={tmp_path}/people", "--",
                 EXAMPLES / "shell/people.sh")
    assert seen["failed"] == 0 and seen["ok"] == 9


def test_suite_on_c(tmp_path):
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o",
                    tmp_path / "people", EXAMPLES / "c/people.c"], check=True)
    (tmp_path / "people.tsv").write_text('1\tO"Hara\tClerk\t1;2\n2\tB\\C\n')
    seen = suite("--option", f"file={tmp_path}/people.tsv", "--",
                 tmp_path / "people")
    assert seen["failed"] == 0 and seen["ok"] == 9


@pytest.mark.parametrize("kind, checks", [
    ("rubbish", {"begins a session"}),
    ("fine", {"refuses a question that it does not know",
              "refuses a foreign watermark"}),
    ("lies", {"reads all"}),
])
def test_suite_finds(tmp_path, kind, checks):
    seen = suite("--", WRONG, kind, tmp_path, status=1)
    assert checks <= {one["check"] for one in seen["checks"]
                      if one["result"] == "FAILED"}


def test_messages_of_the_document():
    """Each message of the protocol's document is one, and each is there."""
    text = (ROOT / "docs/reference/connector-protocol.md").read_text()
    lines = [line[2:] for line in text.splitlines()
             if line.startswith(('> {"msg"', '< {"msg"'))]
    named = {json.loads(line)["msg"] for line in lines}
    assert named >= {
        "hello", "open", "ok", "schema", "partitions", "import", "object",
        "add", "update", "delete", "bad", "progress", "end", "more", "export",
        "result", "export-end", "password", "log", "error", "bye"}


def test_howto(tmp_path):
    """The connector of the how-to is one, and its agent reads."""
    text = (ROOT / "docs/how-to/write-a-connector.md").read_text()
    code, agent = (text.split(f"```{kind}\n")[1].split("```")[0]
                   for kind in ("python", "yaml"))
    folder = Folder(tmp_path)
    folder.write("badges.py", code)
    (tmp_path / "badges.py").chmod(0o755)
    folder.write("conjoin_connector.py", (
        EXAMPLES / "python/conjoin_connector.py").read_text())
    folder.write("badges.csv", "number,holder\n7,1\n8,2\n")
    seen = suite("--option", f"file={tmp_path}/badges.csv", "--",
                 tmp_path / "badges.py")
    assert seen["failed"] == 0
    folder.write("conjoin.yaml", MAIN.replace("hr, target", "door")
                 .replace("[hr]", "[door]")
                 .replace("      id:", "      employeeID: { type: string, index: true }\n"
                          "      badge: string\n      id:"))
    folder.write("agents/door.yaml", agent)
    folder.ok("run", "door", "full-import")
    assert folder.json("search", "cs", "door")["count"] == 2
