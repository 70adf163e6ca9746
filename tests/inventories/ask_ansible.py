#!/usr/bin/env python3
"""Writes `expected.json` beside each of Ansible's inventories: what Ansible makes of it.

Run it in this folder with ansible-core in the path: `python3 ask_ansible.py [FOLDER...]`.
The tests themselves need neither Python nor Ansible.
"""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent
LAST_WINS = {
    "address": ["ansible_host", "ansible_ssh_host"],
    "port": ["ansible_port", "ansible_ssh_port"],
    "user": ["ansible_user", "ansible_ssh_user"],
}


def ask(folder):
    (inventory,) = [
        path
        for path in folder.iterdir()
        if path.name not in ("expected.json", "group_vars", "host_vars")
    ]
    printed = subprocess.run(
        ["ansible-inventory", "-i", str(inventory), "--list"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env={**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1", "ANSIBLE_DEPRECATION_WARNINGS": "0"},
    )
    return json.loads(printed.stdout)


def of_host(variables, host, what):
    found = [variables[name] for name in LAST_WINS[what] if name in variables]
    value = found[-1] if found and found[-1] not in ("", None) else None
    if what == "port":
        return int(value) if value is not None else None
    if what == "address":
        return value or host
    return str(value) if value is not None else None


def members(answer, group, groups):
    if group not in groups:
        entry = answer.get(group, {})
        hosts = set(entry.get("hosts", []))
        for child in entry.get("children", []):
            hosts |= set(members(answer, child, groups))
        groups[group] = sorted(hosts)
    return groups[group]


def translate(answer):
    groups = {"ungrouped": []} if "ungrouped" not in answer else {}
    for group in [name for name in answer if name != "_meta"]:
        members(answer, group, groups)
    known = answer["_meta"]["hostvars"]
    hosts = {
        host: {what: of_host(known.get(host, {}), host, what) for what in LAST_WINS}
        for host in groups["all"]
    }
    variables = {
        host: {
            name: value
            for name, value in known.get(host, {}).items()
            if not name.startswith(("ansible_", "quorate_"))
        }
        for host in groups["all"]
    }
    return {"groups": groups, "hosts": hosts, "variables": variables}


def main():
    chosen = [pathlib.Path(name).resolve() for name in sys.argv[1:]]
    for folder in chosen or sorted((ROOT / "ansible").iterdir()):
        expected = translate(ask(folder))
        text = json.dumps(expected, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / "expected.json").write_text(text + "\n")
        print(folder.name)


main()
