"""Writes tests/data/row-formats/classes.parquet: a detection table of the Hub, whose class names stand in its schema.

python -m tools.reference.parquet_classes
"""

import json

import pyarrow as pa
import pyarrow.parquet as pq

BOXES = {"feature": {"dtype": "float32", "_type": "Value"}, "length": 4, "_type": "Sequence"}
CLASSES = {"names": ["coverall", "gloves"], "_type": "ClassLabel"}
FEATURES = {
    "image": {"_type": "Image"},
    "objects": {"feature": {"bbox": BOXES, "category": CLASSES}, "_type": "Sequence"},
}
SCHEMA = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("objects", pa.struct([("bbox", pa.list_(pa.list_(pa.float32()))), ("category", pa.list_(pa.int64()))])),
    ],
    metadata={"huggingface": json.dumps({"info": {"features": FEATURES}})},
)

if __name__ == "__main__":
    picture = {"bytes": None, "path": "images/a.png"}
    first = {"bbox": [[20.0, 10.0, 70.0, 30.0], [10.0, 10.0, 20.0, 20.0]], "category": [1, 0]}
    # A number that no name stands for.
    second = {"bbox": [[20.0, 10.0, 70.0, 30.0]], "category": [5]}
    table = pa.table({"image": [picture] * 2, "objects": [first, second]}, schema=SCHEMA)
    pq.write_table(table, "tests/data/row-formats/classes.parquet")
