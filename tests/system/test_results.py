"""Results of runs that only a real server brings about.

SPDX-License-Identifier: Apache-2.0
"""
import json

CONJOIN = """conjoin: 1
agents: [dir]
metaverse: { person: { attributes: { mail: { type: string, index: true } } } }
"""

AGENT = """type: ldap
connect: { servers: ['URL'], bind_dn: 'BIND', password: secret:dir,
           security: none, base: 'BASE' }
objects:
  inetOrgPerson: { metaverse: person, project: true, import: { mail: mail } }
"""


def test_who_may_not_come_in(conjoin, slapd):
    """A secret that is not there, a wrong one, the right one."""
    def result():
        return json.loads(conjoin.start(
            "run", "dir", "full-import", "--json").communicate()[0])["result"]

    conjoin.write("conjoin.yaml", CONJOIN)
    conjoin.write("agents/dir.yaml", AGENT.replace("URL", slapd.url).replace(
        "BIND", slapd.bind_dn).replace("BASE", slapd.base))
    assert result() == "no-start-credentials"
    secret = conjoin.write("password", "wrong\n")
    conjoin.write("agents/dir.yaml", (conjoin.folder / "agents/dir.yaml")
                  .read_text().replace("secret:dir", "file:password"))
    assert result() == "no-start-credentials"
    secret.write_text(slapd.password + "\n")
    assert result() == "success"
    slapd.kill()
    assert result() == "no-start-connection"
