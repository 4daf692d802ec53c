"""The path of someone who uses conjoin for the first time, mistakes included.

SPDX-License-Identifier: Apache-2.0
"""
import os
import subprocess

import pytest

from helpers import CONJOIN, Folder, counted, demo_folder

HEAD = "id,first,last,Department Name,title,telephone,manager_id,status\n"


@pytest.fixture
def demo(tmp_path):
    return demo_folder(tmp_path / "demo")


@pytest.fixture
def loaded(demo):
    demo.ok("cycle")
    return demo


def test_from_nothing_to_a_directory(tmp_path):
    folder = Folder(tmp_path / "corp")
    done = subprocess.run([CONJOIN, "init", str(folder.path)], check=True,
                          stdout=subprocess.PIPE, text=True)
    assert "check" in done.stdout and "cycle" in done.stdout
    folder.ok("check")
    folder.ok("cycle")
    people = folder.json("search", "mv", "person")
    assert people["count"] > 0
    first = people["objects"][0]
    folder.ok("explain", "mv", first["id"])
    assert folder.json("pending")["exports"] == []
    assert len(folder.json("runs")["runs"]) > 2


def test_init_never_overwrites(tmp_path):
    folder = Folder(tmp_path)
    folder.write("conjoin.yaml", "mine\n")
    done = subprocess.run([CONJOIN, "init", str(tmp_path)], check=False,
                          stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and done.stderr
    assert folder.read("conjoin.yaml") == "mine\n"


def test_help_and_version(tmp_path):
    folder = Folder(tmp_path)
    for words in (["help"], ["help", "run"], ["help", "connector", "csv"],
                  ["help", "functions"], ["run", "--help"], ["version"]):
        done = folder.ok(*words)
        assert done.out.strip()


@pytest.mark.parametrize("words, meant", [
    (["chekc"], "check"),
    (["cycel"], "cycle"),
    (["run", "hr", "full-imprt"], "full-import"),
    (["run", "hrr", "full-import"], "hr"),
    (["check", "--jsno"], "--json"),
    (["search", "mv", "persn"], "person"),
])
def test_mistyped_words_are_guessed(loaded, words, meant):
    done = loaded.ok(*words, status=2)
    assert meant in done.err and "Traceback" not in done.err


@pytest.mark.parametrize("words", [
    [], ["run"], ["run", "hr"], ["explain"], ["search", "xx"],
    ["check", "--set"], ["runs", "nothing"], ["run", "hr", "export", "more"],
])
def test_wrong_use_is_told(loaded, words):
    done = loaded.ok(*words, status=2)
    assert done.err.strip() or done.out.strip()


def test_no_configuration_here(tmp_path):
    done = Folder(tmp_path).ok("check", status=2)
    assert "conjoin.yaml" in done.err and "init" in done.err


def test_errors_as_json(tmp_path):
    out = Folder(tmp_path).json("cycle", status=2)
    assert out["error"]["message"] and out["error"]["code"]


def test_five_mistakes_at_once(demo):
    demo.replace("agents/hr.yaml", "    filter:", "    fliter:")
    demo.replace("agents/hr.yaml", "title:           title",
                 "tilte:           title")
    demo.replace("agents/hr.yaml", "Trim([first])'", "Trimm([first])'")
    demo.replace("agents/phone.yaml", "metaverse: person",
                 "metaverse: preson")
    demo.replace("conjoin.yaml", "agents: [hr, phone, teams, directory]",
                 "agents: [hr, phone, teams, directory, badge]")
    out = demo.json("check", status=2)
    text = "\n".join(problem["message"] for problem in out["problems"])
    assert out["errors"] >= 5
    for right in ("filter", "title", "Trim", "person", "badge"):
        assert right in text, text
    for problem in out["problems"]:
        assert problem["file"] and problem["line"] > 0 and \
            problem["column"] > 0
    done = demo.ok("check", status=2)
    assert "agents/hr.yaml:" in done.err + done.out
    demo.ok("cycle", status=2)
    assert not (demo.path / "out/directory.ldif").exists()


def people(folder):
    return {obj["attributes"]["employeeID"][0]
            for obj in folder.json("search", "mv", "person")["objects"]}


@pytest.mark.parametrize("row, code", [
    ("1020,too,few\n", "parse-error"),
    ('1020,"Broken,quote,Sales,Clerk,,,A\n', "parse-error"),
    (b"1020,J\xfcrgen,Latin,Sales,Clerk,,,A\n", None),
    ("1021,Second,Time,Sales,Clerk,,,A\n", "duplicate-object"),
    (",No,Number,Sales,Clerk,,,A\n", "missing-anchor-component"),
], ids=["few-columns", "broken-quote", "encoding", "duplicate", "no-anchor"])
def test_a_bad_row_harms_nobody_else(loaded, row, code):
    """Its line is named, the others go on, and nobody is deleted for it."""
    before = people(loaded)
    lines = loaded.read("data/hr.csv").splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.startswith("1020,"))
    lines[at + 5] = lines[at + 5].replace(",", ",Changed ", 1)
    raw = row if isinstance(row, bytes) else row.encode()
    text = [line.encode() for line in lines]
    if raw.startswith(b"1020"):
        text[at] = raw
    else:
        at += 3
        text.insert(at, raw)
    loaded.write("data/hr.csv", b"".join(text))
    step = loaded.step("hr", "full-import", status=1)
    assert step["result"] == "completed-discovery-errors"
    errors = step["errors"]
    assert len(errors) == 1, errors
    assert errors[0]["message"]
    if code:
        assert errors[0]["code"] == code
    if code != "duplicate-object":
        assert f"data/hr.csv:{at + 1}" in errors[0]["where"]
    counters = counted(step)
    assert counters["stage-failure"] == 1
    assert counters["stage-update"] == 1
    assert "stage-delete" not in counters
    loaded.step("hr", "delta-sync")
    assert people(loaded) == before


def test_a_missing_file_stops_the_import_only(loaded):
    before = people(loaded)
    (loaded.path / "data/hr.csv").unlink()
    done = loaded.ok("run", "hr", "full-import", status=4)
    assert "data/hr.csv" in done.err
    loaded.ok("run", "hr", "delta-sync")
    loaded.ok("run", "phone", "full-import")
    assert people(loaded) == before


def test_an_emptied_file_deletes_nobody(loaded):
    before = people(loaded)
    loaded.write("data/hr.csv", HEAD)
    loaded.ok("run", "hr", "full-import", status=3)
    loaded.ok("run", "hr", "delta-sync")
    assert people(loaded) == before


def test_a_missing_column_is_named(loaded):
    loaded.replace("data/hr.csv", "Department Name", "Departement")
    done = loaded.ok("run", "hr", "full-import", status=4)
    assert "Department Name" in done.err and "Departement" in done.err


def test_a_cycle_goes_on_without_the_broken_agent(loaded):
    (loaded.path / "data/phone.csv").unlink()
    loaded.replace("data/teams.csv", "Canteen", "Cafeteria")
    out = loaded.json("cycle", status=4)
    results = {(run["agent"], run["profile"]): run["result"]
               for run in out["runs"]}
    assert results["teams", "full-import"] == "success"
    entries = loaded.ldif("out/directory.ldif", "out/changes.ldif")
    assert entries.having("description", "Cafeteria")
    assert not entries.having("description", "Canteen")


def test_control_characters_do_not_reach_the_terminal(loaded):
    lines = loaded.read("data/hr.csv").splitlines(keepends=True)
    lines[1] = lines[1].replace("Managing", "\x1b[31mRed")
    loaded.write("data/hr.csv", "".join(lines))
    loaded.ok("run", "hr", "full-import-delta-sync")
    done = loaded.ok("search", "mv", "person", "employeeID=1001")
    assert "\x1b" not in done.out and "Red" in done.out


def test_secrets_stay_secret(demo):
    demo.ok("secret", "set", "ad", stdin="correct horse\n")
    done = demo.ok("secret", "list")
    assert "ad" in done.out and "horse" not in done.out
    for path in (demo.path / "state").rglob("*"):
        if path.is_file():
            assert b"correct horse" not in path.read_bytes()
            assert path.name != "key" or path.stat().st_mode & 0o77 == 0
    demo.ok("secret", "delete", "ad")
    assert "ad" not in demo.ok("secret", "list").out.split()


def test_output_in_a_pipe_has_no_colours(loaded):
    for words in (["cycle"], ["runs"], ["pending"], ["help"]):
        done = loaded.ok(*words)
        assert "\x1b" not in done.out + done.err


def test_old_runs_are_forgotten(demo):
    """By hand, and at the end of runs when the configuration says so."""
    def at(time):
        return {"env": {**os.environ, "CONJOIN_FAKE_TIME": time}}

    def numbers():
        return [run["run"] for run in demo.json("runs", "--limit", "0")["runs"]]

    for day in range(1, 8):
        demo.ok("run", "hr", "full-import", **at(f"2026-01-0{day}T12:00:00Z"))
    demo.ok("run", "phone", "full-import", **at("2026-01-08T12:00:00Z"))
    assert demo.ok("prune").out == "0 runs and 0 changes of objects removed\n"
    demo.ok("prune", "--before", "yesterday", status=2)
    done = demo.json("prune", "--before", "2026-01-03")
    assert done == {"removed": 2, "changes": 0,
                    "before": "2026-01-03T00:00:00Z"}
    assert numbers() == [8, 7, 6, 5, 4, 3]
    demo.ok("runs", "1", status=2)
    done = demo.ok("prune", "--before", "5 days",
                   **at("2026-01-09T06:00:00Z"))
    assert done.out == ("1 run from before 2026-01-04T06:00:00Z and 0 changes "
                        "of objects removed\n")
    demo.replace("conjoin.yaml", "conjoin: 1\n",
                 "conjoin: 1\nhistory: { runs: 3 days }\n")
    demo.ok("run", "phone", "full-import", **at("2026-01-10T06:00:00Z"))
    assert numbers() == [9, 8, 7]
    demo.ok("run", "phone", "full-import", **at("2026-03-10T06:00:00Z"))
    assert numbers() == [10, 7]
    assert demo.json("prune")["removed"] == 0
    assert len(demo.json("search", "cs", "hr")["objects"]) == 300


MEMORY = """type: memory
connect: { path: out/memory.ldif, fail: { operation: OPERATION } }
objects:
  person:
    type: inetOrgPerson
    metaverse: person
    provision: { dn: '"uid=" & [employeeID] & ",dc=x"' }
    export: { displayName: displayName }
"""


@pytest.fixture
def failing(loaded):
    """A function that adds an agent whose system fails."""
    loaded.replace("conjoin.yaml", "agents: [hr,", "agents: [memory, hr,")

    def fail(operation):
        loaded.write("agents/memory.yaml",
                     MEMORY.replace("OPERATION", operation))
        return loaded
    return fail


def result_of(folder, *words, status):
    out = folder.json("run", *words, status=status)
    assert out["result"] == out["steps"][-1]["result"]
    assert folder.json("runs", str(out["run"]))["result"] == out["result"]
    return out["result"]


def test_why_a_step_did_not_begin(loaded):
    def hr(profile):
        return result_of(loaded, "hr", profile, status=4)

    (loaded.path / "data/hr.csv").rename(loaded.path / "data/away.csv")
    assert hr("full-import") == "no-start-file-not-found"
    (loaded.path / "data/away.csv").rename(loaded.path / "data/hr.csv")
    loaded.replace("data/hr.csv", "Department Name", "Departement")
    assert hr("full-import") == "no-start-bad-ma-configuration"
    assert result_of(loaded, "phone", "delta-import", status=4) == \
        "no-start-full-import-required"


def test_a_system_that_is_lost(failing):
    folder = failing("open")
    assert result_of(folder, "memory", "full-import", status=4) == \
        "no-start-connection"
    folder.ok("run", "hr", "full-sync")
    assert result_of(folder, "memory", "export", status=4) == \
        "no-start-connection"
    failing("put")
    assert result_of(folder, "memory", "export", status=4) == \
        "stopped-export-write"
    failing("result")
    folder.conjoin("run", "memory", "export")
    folder.write("agents/memory.yaml", MEMORY.replace(
        ", fail: { operation: OPERATION }", ""))
    folder.ok("run", "memory", "export")
    folder.write("agents/memory.yaml", MEMORY.replace(
        "OPERATION", "next, at: 3"))
    assert result_of(folder, "memory", "full-import", status=4) == \
        "stopped-import-read"
