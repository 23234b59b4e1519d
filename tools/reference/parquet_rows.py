"""Writes tests/data/rows.parquet: rows as the Hub's datasets store them, pictures as struct{bytes, path}.

python -m tools.reference.parquet_rows
"""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

OUT = Path(__file__).resolve().parents[2] / "tests" / "data" / "rows.parquet"

picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def png(width: int, height: int, shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (shade, shade, shade)).save(out, "PNG")
    return out.getvalue()


def main() -> None:
    rows = 70
    table = pa.table(
        {
            "problem_id": pa.array(range(rows), pa.int64()),
            "problem": [f"<image><image>Find thing {i}." for i in range(rows)],
            "solution": pa.array([[20 + i, 10, 100 + i, 50] for i in range(rows)], pa.list_(pa.int64())),
            "images": pa.array(
                [
                    [{"bytes": png(200, 100, i), "path": None}, {"bytes": png(300, 150, i), "path": "b.png"}]
                    for i in range(rows)
                ],
                pa.list_(picture),
            ),
        }
    )
    pq.write_table(table, OUT, row_group_size=40, compression="snappy")


if __name__ == "__main__":
    main()
