#!/usr/bin/env python3
"""Writes operations.txt, models.txt and events.txt: the facts of the interface that a running Asterisk describes.

    make.py URL USER PASSWORD      for example http://127.0.0.1:8088/ari

The description is Asterisk's, and its licence is not ours: names and types are taken over, no text. First releases
are not in it reliably; FIRST below has them, counted over the release tags of each line.
"""

import base64
import json
import pathlib
import re
import sys
import urllib.request

LINES = "18 20 21 22 23"

FIRST = {
    "endpoints.refer": "18.20 20.5 21.0 22.0 23.0",
    "endpoints.referToEndpoint": "18.20 20.5 21.0 22.0 23.0",
    "channels.transfer_progress": "- 20.13 21.8 22.3 23.0",
    "channels.progress": "- 20.16 21.11 22.6 23.0",
    "bridges.getBridgeVar": "- 20.20 - 22.10 23.4",
    "bridges.setBridgeVar": "- 20.20 - 22.10 23.4",
    "bridges.getBridgeVars": "- 20.20 - 22.10 23.4",
    "bridges.setBridgeVars": "- 20.20 - 22.10 23.4",
    "channels.getChannelVars": "- 20.20 - 22.10 23.4",
    "channels.setChannelVars": "- 20.20 - 22.10 23.4",
    "channels.setChannelVar.report_events": "- 20.20 - 22.10 23.4",
    "channels.externalMedia.transport_data": "- 20.18 - 22.8 23.2",
    "bridges.play.announcer_format": "- 20.17 - 22.7 23.1",
    "bridges.playWithId.announcer_format": "- 20.17 - 22.7 23.1",
    "bridges.record.recorder_format": "- 20.17 - 22.7 23.1",
    "events.claimChannel": "- 20.20 - 22.10 23.4",
    "ApplicationRegistered": "- 20.15 21.10 22.5 23.0",
    "ApplicationUnregistered": "- 20.15 21.10 22.5 23.0",
    "CallBroadcast": "- 20.20 - 22.10 23.4",
    "CallClaimed": "- 20.20 - 22.10 23.4",
    "ChannelToneDetected": "- - - 22.0 23.0",
    "ChannelTransfer": "- 20.13 21.8 22.3 23.0",
    "RESTRequest": "- 20.14 21.9 22.4 23.0",
    "RESTResponse": "- 20.14 21.9 22.4 23.0",
    "Channel.caller_rdnis": "18.21 20.6 21.1 22.0 23.0",
    "Channel.protocol_id": "18.13 20.0 21.0 22.0 23.0",
    "Channel.tenantid": "18.25 20.10 21.5 22.0 23.0",
    "ChannelDestroyed.tech_cause": "- 20.17 - 22.7 23.1",
    "ChannelHangupRequest.tech_cause": "- 20.17 - 22.7 23.1",
}

HEADS = {
    "operations": """\
# The operations of ARI. A row: method, path, resource and name, what the reply holds, described refusals.
# Below it its parameters: where it is described to stand, name, type (! required, * several), words of a closed list.""",
    "models": """\
# The objects of ARI, events apart. Below each its fields: name, type (! required), words of a closed list.""",
    "events": """\
# The events of ARI. Each has the fields of Message and Event in models.txt, and below it its own.""",
}
COMMON = f"""
# "since" gives the first release in the lines {LINES}, - where it is in none; without it, all from their start.
# Written by make.py from the description of Asterisk {{version}}."""


def main():
    url, user, password = sys.argv[1:]
    fetch = reader(url, user, password)
    folder = pathlib.Path(__file__).parent
    version = re.match(r"[\d.]+", fetch("/asterisk/info")["system"]["version"])[0]
    operations, models = [], {}
    listing = fetch("/api-docs/resources.json")["apis"]
    for listed in sorted(listing, key=lambda listed: listed["path"]):
        path = listed["path"].replace("{format}", "json")
        described = fetch(path)
        resource = path.rsplit("/", 1)[-1].removesuffix(".json")
        for api in described["apis"]:
            operations += [operation_rows(resource, api["path"], o) for o in api["operations"]]
        models |= described.get("models", {})
    events = models["Event"]["subTypes"]
    rows = {
        "operations": operations,
        "models": [model_rows(n, m) for n, m in sorted(models.items()) if n not in events],
        "events": [model_rows(n, models[n]) for n in sorted(events)],
    }
    for name, groups in rows.items():
        text = [HEADS[name] + COMMON.format(version=version)] + ["\n".join(g) for g in groups]
        (folder / f"{name}.txt").write_text("\n".join(text) + "\n")
        print(f"{name}: {len(groups)}")
    if FIRST:
        sys.exit(f"not described by this Asterisk: {', '.join(FIRST)}")


def reader(url, user, password):
    token = base64.b64encode(f"{user}:{password}".encode()).decode()

    def fetch(path):
        request = urllib.request.Request(url + path, headers={"Authorization": f"Basic {token}"})
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    return fetch


def operation_rows(resource, path, operation):
    name = f"{resource}.{operation['nickname']}"
    errors = sorted({int(e["code"]) for e in operation.get("errorResponses", [])})
    refusals = ",".join(map(str, errors)) or "-"
    head = f"{operation['httpMethod']} {path} {name} {operation['responseClass']} {refusals}"
    rows = [head + since(name)]
    for parameter in operation.get("parameters", []):
        several = "*" if parameter.get("allowMultiple") else ""
        kind = parameter["dataType"] + several + required(parameter)
        where, field = parameter["paramType"], parameter["name"]
        rows.append(f"  {where} {field} {kind}{words(parameter)}{since(f'{name}.{field}')}")
    return rows


def model_rows(name, model):
    rows = [name + since(name)]
    for field, described in model["properties"].items():
        kind = described["type"] + required(described)
        rows.append(f"  {field} {kind}{words(described)}{since(f'{name}.{field}')}")
    return rows


def required(described):
    return "!" if described.get("required") else ""


def words(described):
    """A word may have spaces in it, so the list stands in brackets."""
    listed = described.get("allowableValues", {}).get("values", [])
    return f" [{'|'.join(listed)}]" if listed else ""


def since(key):
    """Each is used once, so that one left over shows."""
    return f" since {FIRST.pop(key)}" if key in FIRST else ""


if __name__ == "__main__":
    main()
