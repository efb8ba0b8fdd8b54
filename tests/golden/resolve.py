"""Writes the golden texts again: `python -m tests.golden.resolve`. Read the difference before you commit it."""

from __future__ import annotations

from tests.golden.cases import all_cases, resolve


def main() -> None:
    """Write each text that differs, and name it."""
    for case in all_cases():
        text = resolve(case)
        if not case.golden.exists() or case.golden.read_text(encoding="utf-8") != text:
            case.golden.write_text(text, encoding="utf-8")
            print(f"written: {case.golden}")


if __name__ == "__main__":
    main()
