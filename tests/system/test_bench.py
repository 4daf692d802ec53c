"""The measurements behind ./dev bench: that they measure, not how fast.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import subprocess
import sys

from helpers import CONJOIN, ROOT

PAIRS = {"import-initial", "import-unchanged", "sync-initial",
         "sync-unchanged", "delta-cycle", "export-ldif", "member-change"}
UNITS = {"memory-peak": "MB", "start": "ms"}


def bench(*words, status=0):
    folder = pathlib.Path(CONJOIN).resolve().parent
    subprocess.run(["cmake", "--build", folder, "--target", "bench_limits"],
                   stdout=subprocess.DEVNULL, check=True)
    done = subprocess.run(
        [sys.executable, str(ROOT / "bench/bench.py"), "--size", "200",
         "--repeat", "1", *words],
        env=dict(os.environ, CONJOIN=CONJOIN), text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert done.returncode == status, done.stderr
    return done


def test_bench_measures_each_step_beside_its_limit():
    results = json.loads(bench("--json").stdout)
    assert {each["name"] for each in results} == PAIRS | set(UNITS)
    for each in results:
        assert set(each) == {"name", "value", "unit", "baseline", "ratio"}
        assert each["unit"] == UNITS.get(each["name"], "s")
        assert each["value"] > 0
        if each["name"] in PAIRS:
            assert each["baseline"] > 0
            assert each["ratio"] > 0
        else:
            assert each["baseline"] is None
            assert each["ratio"] is None


def test_bench_prints_a_table_of_what_was_asked_for():
    lines = bench("--only", "start,import-unchanged").stdout.splitlines()
    assert lines[0].startswith("200 people, ")
    assert [line.split()[0] for line in lines[3:]] == \
        ["import-unchanged", "start"]


def test_bench_measures_a_server_beside_the_limits_of_a_file():
    results = json.loads(bench("--store", "postgresql", "--json", "--only",
                               "import-initial,delta-cycle").stdout)
    assert [each["name"] for each in results] == ["import-initial",
                                                  "delta-cycle"]
    assert all(each["ratio"] > 0 for each in results)


def test_bench_refuses_what_it_does_not_know():
    done = bench("--only", "import", status=2)
    assert "nothing is called 'import'" in done.stderr


def test_bench_keeps_its_folder_when_told_where(tmp_path):
    bench("--only", "import-initial", "--keep", str(tmp_path / "kept"))
    assert (tmp_path / "kept/company/data/hr.csv").exists()
    done = bench("--only", "start", "--keep", str(tmp_path / "kept"),
                 status=1)
    assert "is not empty" in done.stderr


def test_the_same_size_gives_the_same_people(tmp_path):
    for name in ("one", "two"):
        subprocess.run([sys.executable, str(ROOT / "bench/people.py"),
                        "--size", "200", str(tmp_path / name)], check=True)
    for made in (tmp_path / "one").rglob("*.*"):
        other = tmp_path / "two" / made.relative_to(tmp_path / "one")
        assert made.read_bytes() == other.read_bytes(), made.name
