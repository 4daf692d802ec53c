"""The measurements behind ./dev bench: that they measure, not how fast.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

from helpers import CONJOIN, ROOT

PAIRS = {"import-initial", "import-unchanged", "sync-initial",
         "sync-unchanged", "plan", "delta-cycle", "change-workload", "member-change",
         "export-ldif", "sync-five-targets", "ldap-import",
         "ldap-import-unchanged", "ldap-export",
         *(f"sql-{step}-{kind}" for step in
           ("import", "import-unchanged", "export")
           for kind in ("postgresql", "mariadb", "tds"))}
UNITS = {"memory-peak": "MB", "start": "ms"}
GROWTH = ["import-initial", "import-unchanged", "sync-initial", "delta-cycle"]


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
    results = json.loads(bench(
        "--json", "--only", ",".join(PAIRS | set(UNITS))).stdout)
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


def test_growth_is_told_beside_the_smallest_company(tmp_path):
    plot = tmp_path / "growth.svg"
    results = json.loads(bench("--json", "--only", "growth", "--sizes",
                               "100,200", "--plot", str(plot)).stdout)
    assert [each["name"] for each in results] == \
        [f"growth-{size}-{name}" for size in (100, 200) for name in GROWTH]
    for each, first in zip(results, results[:4] * 2):
        assert each["value"] > 0
        assert each["unit"] == ("s" if each["name"].endswith("cycle")
                                else "us")
        if each is first:
            assert each["baseline"] is None and each["ratio"] is None
        else:
            assert each["baseline"] == first["value"]
    shapes = [shape.tag.split("}")[1] for shape in
              xml.etree.ElementTree.parse(plot).getroot()]
    assert shapes.count("polyline") == len(GROWTH)
    assert shapes.count("circle") == len(results)


def test_a_plot_needs_the_growth(tmp_path):
    done = bench("--only", "start", "--plot", str(tmp_path / "x.svg"),
                 status=2)
    assert "--plot draws what 'growth' measures" in done.stderr


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
