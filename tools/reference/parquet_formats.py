"""Writes the rows of tests/data/row-formats.json as Parquet, a file for each format, and one that is compressed with zstd.

python -m tools.reference.parquet_formats
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

DATA = Path(__file__).resolve().parents[2] / "tests" / "data"
OUT = DATA / "row-formats"


def main() -> None:
    OUT.mkdir(exist_ok=True)
    formats = json.loads((DATA / "row-formats.json").read_text(encoding="utf-8"))
    for i, rows in enumerate(formats.values()):
        pq.write_table(pa.Table.from_pylist(rows), OUT / f"{i}.parquet", compression="snappy")
    first = next(iter(formats.values()))
    pq.write_table(pa.Table.from_pylist(first), OUT / "zstd.parquet", compression="zstd")


if __name__ == "__main__":
    main()
