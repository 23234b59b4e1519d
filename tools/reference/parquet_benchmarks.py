"""Writes tests/data/benchmarks/: benchmarks whose published form is Parquet, in their columns and types, with rows and pictures of our own.

python -m tools.reference.parquet_benchmarks
"""

import io
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

OUT = Path(__file__).resolve().parents[2] / "tests" / "data" / "benchmarks"

# As datasets writes its Image feature.
picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
text, texts, numbers = pa.string(), pa.list_(pa.string()), pa.list_(pa.float64())


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (200, 100), (shade, 90, 255 - shade)).save(out, "PNG")
    return out.getvalue()


def inline(shade: int) -> dict:
    return {"bytes": png(shade), "path": f"{shade}.png"}


def write(path: str, columns: dict[str, tuple[pa.DataType, list]]) -> None:
    file = OUT / path
    file.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: pa.array(values, kind) for name, (kind, values) in columns.items()}
    pq.write_table(pa.table(arrays), file, compression="snappy")


def main() -> None:
    write(
        "BLINK/Jigsaw/val-00000-of-00001.parquet",
        {
            "idx": (text, ["val_Jigsaw_1", "val_Jigsaw_2"]),
            "question": (text, ["Which piece fits?"] * 2),
            "sub_task": (text, ["Jigsaw"] * 2),
            **{f"image_{i}": (picture, [inline(i), inline(10 + i)] if i < 3 else [None, None]) for i in (1, 2, 3, 4)},
            "choices": (texts, [["the first", "the second"]] * 2),
            "answer": (text, ["(B)", "(A)"]),
            "prompt": (text, ["Which piece fits?\n(A) the first\n(B) the second"] * 2),
        },
    )
    write(
        "MMIU/test.parquet",
        {
            "task": (text, ["jigsaw_of_ours"] * 2),
            "visual_input_component": (text, ["natural image"] * 2),
            "source": (text, ["ours"] * 2),
            "options": (text, ["A: left\nB: right"] * 2),
            "question": (text, ["Which?"] * 2),
            "context": (text, ["Select one.\nA: left\nB: right"] * 2),
            "input_image_path": (texts, [["./ours/a.png", "./ours/b.png"]] * 2),
            "output": (text, ["B", "A"]),
        },
    )
    for name in ("a", "b"):
        file = OUT / "MMIU" / "ours" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(ord(name)))
    write(
        "RefCOCOg/data/val-00000-of-00001.parquet",
        {
            "question_id": (text, ["7"]),
            "image": (picture, [inline(40)]),
            "question": (text, ["Please carefully observe the area circled in the image."]),
            "answer": (texts, [["the cup", "a red cup"]]),
            "segmentation": (numbers, [[20.0, 10.0, 100.0, 10.0, 100.0, 60.0]]),
            "bbox": (numbers, [[20.0, 10.0, 80.0, 50.0]]),
            "iscrowd": (pa.int64(), [0]),
            "file_name": (text, ["ours_7.jpg"]),
        },
    )
    write(
        "Ref-L4/ref-l4-test.parquet",
        {
            "id": (pa.int64(), [1]),
            "caption": (text, ["the cup on the left"]),
            "bbox": (numbers, [[20.0, 10.0, 80.0, 50.0]]),
            "bbox_area": (pa.float64(), [4000.0]),
            "bbox_id": (text, ["ours_1"]),
            "ori_category_id": (text, ["o365_11"]),
            "image_id": (text, ["ours_7"]),
            "height": (pa.int64(), [100]),
            "width": (pa.int64(), [200]),
            "file_name": (text, ["ours_7.png"]),
            "is_rewrite": (pa.bool_(), [False]),
            "split": (text, ["test"]),
        },
    )
    with tarfile.open(OUT / "Ref-L4" / "images.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("images/ours_7.png")
        entry.size = len(png(70))
        archive.addfile(entry, io.BytesIO(png(70)))
    write(
        "ODinW-13/test-00000-of-00001.parquet",
        {
            "image": (picture, [inline(80), inline(81)]),
            "dataset_name": (text, ["ours", "ours"]),
            "categories": (texts, [["pothole", "car"]] * 2),
            "bboxes": (pa.list_(numbers), [[[20.0, 10.0, 100.0, 60.0]], []]),
            "labels": (texts, [["car"], []]),
        },
    )


if __name__ == "__main__":
    main()
