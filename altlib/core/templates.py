"""Templates of pages that show what people and models wrote."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def html_templates(package: str, folder: str) -> Environment:
    """The templates in a folder of a package; what they show is escaped, and an unknown name is an error.

    Args:
        package: Name of the package, such as ``altlib.evaluation``.
        folder: Path of the folder inside it.
    """
    return Environment(
        loader=PackageLoader(package, folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
