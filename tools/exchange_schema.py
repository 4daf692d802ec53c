#!/usr/bin/env python3
"""The part of Exchange's schema that address lists need, as LDIF for a test
domain: exchange_schema.py BASE | ldapmodify ...

Names, syntaxes and numbers of values are those of Exchange (and of Office
Communications Server, for --rtc); the object identifiers lie in the range that
Microsoft leaves to everybody. For Samba, or an Active Directory that is only
for tests: a real one gets its schema from Exchange's own setup.

SPDX-License-Identifier: Apache-2.0
"""
import sys

ARC = "1.2.840.113556.1.8000.2554.50101.7"

# attributeSyntax and oMSyntax
SYNTAX = {
    "text": ("2.5.5.12", 64),
    "number": ("2.5.5.9", 2),
    "large": ("2.5.5.16", 65),
    "switch": ("2.5.5.8", 1),
    "bytes": ("2.5.5.10", 4),
    "sid": ("2.5.5.17", 4),
    "dn": ("2.5.5.1", 127),
}
OBJECT_DN = "KwwCh3McAIVK"  # oMObjectClass of a plain DN

# one value unless [..]
MAIL = {
    "mailNickname": "text",
    "targetAddress": "text",
    "homeMDB": "dn",
    "homeMTA": "dn",
    "mAPIRecipient": "switch",
    "telephoneAssistant": "text",
    "msExchHomeServerName": "text",
    "msExchHideFromAddressLists": "switch",
    "msExchRecipientDisplayType": "number",
    "msExchRecipientTypeDetails": "large",
    "msExchRemoteRecipientType": "large",
    "msExchMailboxGuid": "bytes",
    "msExchMasterAccountSid": "sid",
    "msExchMasterAccountHistory": ["sid"],
    "msExchOriginatingForest": ["text"],
    **{f"extensionAttribute{i}": "text" for i in range(1, 16)},
}
RTC = {
    "msRTCSIP-OriginatorSid": "sid",
    "msRTCSIP-PrimaryUserAddress": "text",
    "msRTCSIP-UserEnabled": "switch",
    "msRTCSIP-PrimaryHomeServer": "dn",
    "msRTCSIP-SourceObjectType": "number",
}
REFRESH = "dn:\nchangetype: modify\nreplace: schemaUpdateNow\n" \
    "schemaUpdateNow: 1\n\n"


def attribute(schema, number, name, kind):
    single = isinstance(kind, str)
    syntax, om_syntax = SYNTAX[kind if single else kind[0]]
    lines = [f"dn: CN={name},{schema}", "changetype: add",
             "objectClass: attributeSchema", f"attributeID: {ARC}.1.{number}",
             f"lDAPDisplayName: {name}", f"attributeSyntax: {syntax}",
             f"oMSyntax: {om_syntax}",
             f"isSingleValued: {str(single).upper()}"]
    if om_syntax == 127:
        lines.append(f"oMObjectClass:: {OBJECT_DN}")
    return "\n".join(lines) + "\n\n"


def record(schema, number, name, category, lines):
    """A class: 1 structural, 3 auxiliary."""
    return "\n".join([
        f"dn: CN={name},{schema}", "changetype: add",
        "objectClass: classSchema", f"governsID: {ARC}.2.{number}",
        f"lDAPDisplayName: {name}", f"objectClassCategory: {category}",
        "subClassOf: top", *lines]) + "\n\n"


def extend(schema, name, auxiliary):
    return (f"dn: CN={name},{schema}\nchangetype: modify\n"
            f"add: auxiliaryClass\nauxiliaryClass: {auxiliary}\n\n")


def main(base, rtc):
    schema = f"CN=Schema,CN=Configuration,{base}"
    parts = {"exchangeTestRecipient": MAIL}
    if rtc:
        parts["rtcTestUser"] = RTC
    out, number = [], 0
    for attributes in parts.values():
        for name, kind in attributes.items():
            number += 1
            out.append(attribute(schema, number, name, kind))
    out.append(REFRESH)
    for i, (name, attributes) in enumerate(parts.items()):
        out.append(record(schema, i + 1, name, 3,
                          [f"mayContain: {one}" for one in attributes]))
    out.append(record(schema, 9, "msExchDynamicDistributionList", 1, [
        "possSuperiors: container", "possSuperiors: organizationalUnit",
        "mayContain: proxyAddresses", "mayContain: legacyExchangeDN",
        "mayContain: mail", "mayContain: displayName"]))
    out.append(REFRESH)
    for name in parts:
        for of in ("User", "Contact", "Group"):
            out.append(extend(schema, of, name))
        out.append(extend(schema, "msExchDynamicDistributionList", name))
    out.append(REFRESH)
    print("".join(out), end="")


if __name__ == "__main__":
    arguments = [word for word in sys.argv[1:] if word != "--rtc"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    main(arguments[0], "--rtc" in sys.argv)
