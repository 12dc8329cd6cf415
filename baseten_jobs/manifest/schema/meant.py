"""A value that its field does not take -> what to write in its place, where that can be told."""

import re
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from baseten_jobs.manifest.diagnostics import FieldPath
from baseten_jobs.manifest.document import Odd
from baseten_jobs.manifest.normalisation import meant_quantity

_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "twelve": 12, "sixteen": 16,
}  # fmt: skip
_BETWEEN = r"\s*[:=*,xX ]\s*"
_GPUS = re.compile(
    rf"\s*(?:(?P<type>[A-Za-z][\w-]*?){_BETWEEN}0*(?P<count>[1-9]\d{{0,3}})"
    rf"|0*(?P<first>[1-9]\d{{0,3}}){_BETWEEN}(?P<also>[A-Za-z][\w-]*))\s*(?:gpus?)?\s*",
    re.ASCII,
)
_COUNTED = re.compile(
    r"0*([0-9]{1,9})(?:\s+[a-z][\w -]*|\s*(?:v?cpus?|cores?|gpus?|nodes?|machines?|replicas?))",
    re.ASCII | re.IGNORECASE,
)
_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}


def value_meant(schema: Mapping[str, Any], path: FieldPath, value: object, wanted: Sequence[str]) -> str:
    """Returns what to write for a value of another type than the `wanted` ones of its field."""
    word = value.lower() if isinstance(value, str) else ""
    if "integer" in wanted and (meant := integer_meant(value, cpus=path[-1:] == ("cpu_count",))):
        return meant
    if schema.get("x-fold") == "quantity" and (quantity := memory_meant(value)):
        return f"did you mean '{quantity}'?"
    if "boolean" in wanted and word in _BOOLEANS:
        return f"write it without quotes: {_BOOLEANS[word]}"
    if wanted == ["array"] and isinstance(value, str):
        return "write each entry on a line of its own, with '- ' before it"
    if wanted == ["object"] and isinstance(value, list):
        return "write 'name: value' on each line, without '- '"
    if wanted == ["object"] and list(schema.get("properties", ())) == ["name"]:
        return "expected {name: SECRET}"
    required = schema.get("required", ())
    if wanted == ["object"] and isinstance(value, str) and len(required) == 1:
        return f"write it as `{{{required[0]}: ...}}`"
    return f"expected {schema['x-expected']}" if "x-expected" in schema else ""


def integer_meant(value: object, *, cpus: bool = False) -> str:
    """Returns what to write for a value that is no integer, such as `"8"`, `8 cores`, `08` or `1_000`, or ""."""
    if isinstance(value, Odd):
        return _odd(value)
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        if str(int(text)) != text:
            return f"write it without leading zeros: {int(text)}"
        return f"write it without quotes: {int(text)}"
    if cpus and (thousandths := re.fullmatch(r"([0-9]{1,9})m", text)):
        return f"only whole CPUs can be had: {ceil(int(thousandths[1]) / 1000)}"
    if re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}", text):
        return f"write a whole number: {ceil(float(text))}"
    if read := _COUNTED.fullmatch(text):
        return f"write the number alone: {int(read[1])}"
    number = _NUMBERS.get(text.lower())
    return f"write it in digits: {number}" if number is not None else ""


def _odd(value: Odd) -> str:
    """For a scalar that readers of YAML may take for different numbers, or for one that is not whole."""
    text = value.text
    if value.kind == "number":
        return f"write a whole number: {ceil(float(text))}" if re.fullmatch(r"[0-9]{1,9}\.[0-9]{0,9}", text) else ""
    if value.kind != "integer":
        return ""
    plain = text.replace("_", "")
    if re.fullmatch(r"0x[0-9a-fA-F]{1,15}|0o[0-7]{1,15}|0b[01]{1,60}", plain):
        return f"write it in decimal digits: {int(plain, 0)}"
    if re.fullmatch(r"0+[0-7]{1,15}", plain):
        return f"write it without leading zeros: {int(plain)}, or {int(plain, 8)} if it is an octal number"
    if re.fullmatch(r"[-+]?[0-9]{1,18}", plain):
        return f"write it in digits alone: {int(plain)}"
    return "write it in decimal digits"


def accelerator_meant(text: str) -> str:
    """Returns the shorthand that was probably meant by `H100 x 8`, `8*H100` or `H100:08`; "" if none was."""
    read = _GPUS.fullmatch(text)
    return f"{read['type'] or read['also']}:{read['count'] or read['first']}" if read else ""


def memory_meant(value: object) -> str:
    """Returns the quantity that was probably meant by a plain number, such as 256; "" for one that may be bytes."""
    return meant_quantity(f"{value}Gi") if type(value) is int and 0 < value < 1 << 20 else ""
