"""What a browser tells a screen reader: Chromium's accessibility tree, by its own protocol."""

from __future__ import annotations

from typing import Any

import attrs

BORING = frozenset({"none", "generic", "InlineTextBox", "LineBreak"})


@attrs.frozen
class Node:
    """One object of the tree.

    Attributes:
        role, name, description: as a screen reader gets them.
        props: what else is told (`level`, `expanded`, `live`, ...).
        parents: (role, name) of what holds it, the nearest first.
    """

    role: str
    name: str
    description: str
    props: dict[str, Any]
    parents: tuple[tuple[str, str], ...]


async def tree(page: Any) -> list[Node]:
    """All objects of *page* that are not ignored, in reading order."""
    session = await page.context.new_cdp_session(page)
    found = (await session.send("Accessibility.getFullAXTree"))["nodes"]
    await session.detach()
    by_id = {one["nodeId"]: one for one in found}

    def value(one: dict[str, Any], name: str) -> str:
        return str(one.get(name, {}).get("value", ""))

    nodes: list[Node] = []

    def walk(id_: str, parents: tuple[tuple[str, str], ...]) -> None:
        one = by_id.get(id_)
        if one is None:
            return
        role, name = value(one, "role"), value(one, "name")
        if not one["ignored"] and role not in BORING:
            props = {prop["name"]: prop["value"].get("value") for prop in one.get("properties", ())}
            nodes.append(Node(role, name, value(one, "description"), props, parents))
            parents = ((role, name), *parents)
        for child in one.get("childIds", ()):
            walk(child, parents)

    walk(found[0]["nodeId"], ())
    return nodes


def named(nodes: list[Node], role: str) -> list[str]:
    """Names of all objects of a role."""
    return [node.name for node in nodes if node.role == role]
