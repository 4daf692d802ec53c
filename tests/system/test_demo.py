"""The demonstration, as ./dev demo runs it, and what an installation holds.

SPDX-License-Identifier: Apache-2.0
"""
import os
import subprocess
import sys

import pytest

from helpers import CONJOIN, ROOT, demo_folder


def demo(tmp_path, *words):
    return subprocess.run(
        [sys.executable, str(ROOT / "tools/demo.py"), *words],
        env=dict(os.environ, CONJOIN=CONJOIN, TMPDIR=str(tmp_path)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=300, check=False)


@pytest.mark.parametrize("words", [[], ["ldap"]], ids=["files", "ldap"])
def test_demo(tmp_path, words):
    done = demo(tmp_path, *words)
    assert done.returncode == 0, done.stdout
    assert "What to try next" in done.stdout


def test_demo_data_is_what_its_program_makes(tmp_path):
    """Nobody edits the people of the demo by hand."""
    subprocess.run([sys.executable, str(ROOT / "tools/make-demo.py"),
                    str(tmp_path)], check=True)
    for made in tmp_path.rglob("*.csv"):
        name = made.relative_to(tmp_path)
        assert made.read_bytes() == \
            (ROOT / "examples/demo" / name).read_bytes(), name


def test_the_same_data_give_the_same_directory(tmp_path):
    one = demo_folder(tmp_path / "one")
    two = demo_folder(tmp_path / "two")
    for folder in (one, two):
        folder.ok("cycle")
    assert one.read("out/directory.ldif") == two.read("out/directory.ldif")
