"""Imports by a program: the example in C gives all people through the connector
exec; beside it the same lines through a bare pipe and a JSON parser.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parent.parent / \
    "examples/connectors/c/people.c"
GENERAL = """conjoin: 1
agents: [people]
metaverse:
  person:
    attributes:
      uid: string
      sn: string
      title: string
      telephoneNumber: { type: string, multi: true }
    delete: { when: [people] }
"""
AGENT = """type: exec
connect:
  command: ['./people']
  options: { file: people.tsv }
objects:
  person:
    attributes: { telephoneNumber: { type: string, multi: true } }
    metaverse: person
    project: true
    import:
      uid: uid
      sn: sn
      title: title
      telephoneNumber: telephoneNumber
"""


def write_company(folder, size):
    (folder / "agents").mkdir(parents=True)
    (folder / "state").mkdir()
    (folder / "conjoin.yaml").write_text(GENERAL, encoding="utf-8")
    (folder / "agents/people.yaml").write_text(AGENT, encoding="utf-8")
    subprocess.run(["cc", "-O2", "-o", folder / "people", SOURCE], check=True)
    with open(folder / "people.tsv", "w", encoding="utf-8") as file:
        for number in range(size):
            file.write(f"p{number}\tSurname {number % 9973}\tEngineer of level "
                       f"{number % 7}\t+49 30 {number};+49 170 {number}\n")
    with open(folder / "lines", "wb") as lines:
        subprocess.run(
            [folder / "people"], stdout=lines, check=True, cwd=folder,
            input=b'{"msg":"open","options":{"file":"people.tsv"}}\n'
                  b'{"msg":"import"}\n')


class ExecSteps:
    """Of Bench: one that was imported before, as most are."""

    def exec_import(self):
        folder = self.work / "exec"
        if not folder.exists():
            write_company(folder, self.size)
            self.conjoin("people", "full-import", folder, stage_add=self.size)
        return self.conjoin("people", "full-import", folder,
                            stage_no_change=self.size)

    def exec_import_limit(self):
        return self.limit("pipe", self.work / "exec/lines")
