"""Build hook: compiles the message catalogs (`.po`) into the wheel as `.mo`.

Uses the library's own compiler, loaded by path since the package's dependencies need not be
installed while it is built. Nothing is written into the source tree: a checkout compiles its
catalogs in memory.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds one `.mo` file a language to the wheel, in the place of its source."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the wheel is put together; a broken catalog ends the build."""
        if self.target_name != "wheel" or version == "editable":
            return
        notices = Path(self.root) / "streamnotice" / "notices"
        spec = importlib.util.spec_from_file_location("_po", notices / "po.py")
        if spec is None or spec.loader is None:
            raise RuntimeError("streamnotice/notices/po.py can't be loaded")
        po = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(po)
        self._made = tempfile.TemporaryDirectory(prefix="catalogs-")
        for source in sorted(notices.glob("locale/*/LC_MESSAGES/*.po")):
            relative = source.relative_to(self.root).with_suffix(".mo")
            target = Path(self._made.name) / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(po.compile_mo(po.parse_po(source.read_text(encoding="utf-8"))))
            build_data["force_include"][str(target)] = relative.as_posix()

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the compiled files; the wheel holds them now."""
        if hasattr(self, "_made"):
            self._made.cleanup()
