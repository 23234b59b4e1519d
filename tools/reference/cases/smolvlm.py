"""The golden cases of SmolVLM and Idefics3."""

from ..families.family import Checkpoint, Text
from ..families.smolvlm import IDEFICS3, SMOLVLM, Tiles, Vision
from .case import ALL_PROJECTIONS, SEEN_ELSEWHERE, Case, assistant, picture, user, words

SPLIT = Case(
    name="split",
    about="Two pictures cut into tiles, one of 2 rows and 3 columns, one of 3 rows and 1 column, each with a small whole "
    "after the tiles. smolvlm; 6 × 6 patches a tile, 3 × 3 of them a token. float32, untied head, grouped heads, vision "
    "heads of 12, the Hub's config, LoRA on all seven projections: the vision tower has layers of those names too.",
    checkpoint=Checkpoint(
        family=SMOLVLM,
        text=Text(hidden=48, heads=4, kv_heads=2, layers=2, ffn=48, rope_theta=1e5, eps=1e-5),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, image=24, patch=4, scale=3),
        pictures=Tiles(longest_edge=72),
        seed=3102,
    ),
    adapter={"r": 4, "lora_alpha": 8, "target_modules": ALL_PROJECTIONS, "exclude_modules": ".*vision_model.*"},
    pictures={"wide.png": (118, 79), "tall.png": (20, 90)},
    messages=[user(words("Image-1: "), picture("wide.png"), words("\nImage-2: "), picture("tall.png"), words("?"))],
    completion=" Image-2: [12, 8, 60, 71]",
    max_new_tokens=16,
)

SINGLE_TILES = Case(
    name="single-tiles",
    about="Four pictures that stay whole although splitting is on, for the longest edge is a tile's: one enlarged, one "
    "reduced, one untouched, one narrow. idefics3; 4 × 4 patches of 16 a tile, 2 × 2 of them a token. float16, tied head "
    "(no published model has it), no grouped heads, vision heads of 20, template in tokenizer_config.json, LoRA with "
    "rank and alpha patterns.",
    checkpoint=Checkpoint(
        family=IDEFICS3,
        text=Text(hidden=48, heads=2, kv_heads=2, layers=2, ffn=48, rope_theta=1e5, eps=1e-5),
        vision=Vision(hidden=40, heads=2, depth=2, ffn=48, image=64, patch=16, scale=2),
        pictures=Tiles(longest_edge=64),
        seed=3200,
        dtype="float16",
        tied=True,
        template_in="config",
    ),
    adapter={
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ALL_PROJECTIONS,
        "exclude_modules": r".*vision_model.*",
        "rank_pattern": {"q_proj": 6, r"layers\.1\.mlp\.down_proj": 8},
        "alpha_pattern": {"o_proj": 2, r"layers\.1\.mlp\.down_proj": 4},
    },
    pictures={"small.png": (30, 20), "large.png": (150, 101), "exact.png": (64, 64), "narrow.png": (7, 90)},
    messages=[
        user(
            picture("small.png"), picture("large.png"), picture("exact.png"), words(" and "), picture("narrow.png"),
            words("\nWhich one is different?"),
        )
    ],
    completion=" The third image.",
    max_new_tokens=12,
)  # fmt: skip

WHOLE = Case(
    name="whole",
    about="Splitting switched off by case.json: each picture is resized to the longest edge, then to one tile whatever "
    "its shape. In two turns, after a system message. smolvlm; 8 × 8 patches a tile, 4 × 4 of them a token. bfloat16 in "
    "two shards, untied head, three heads to one for keys and values, vision heads of 12, transformers 5's config, LoRA "
    "by a regular expression.",
    checkpoint=Checkpoint(
        family=SMOLVLM,
        text=Text(hidden=48, heads=3, kv_heads=1, layers=3, ffn=64, rope_theta=13e4, eps=1e-5),
        vision=Vision(hidden=36, heads=3, depth=3, ffn=40, image=32, patch=4, scale=4),
        pictures=Tiles(longest_edge=128),
        seed=3300,
        dtype="bfloat16",
        layout="nested",
        shards=2,
        template_in="json",
    ),
    adapter={"r": 8, "lora_alpha": 16, "target_modules": r".*text_model.*\.(q|k|v|o|gate|up|down)_proj"},
    pictures={"first.png": (146, 109), "second.png": (33, 61)},
    processor={"do_image_splitting": False},
    messages=[
        {"role": "system", "content": [words("Answer with boxes.")]},
        user(picture("first.png"), words("Where is the disc?")),
        assistant("[[10, 20, 30, 40]]"),
        user(words("And here? "), picture("second.png")),
    ],
    completion=" [[1, 2, 27, 50]]\n",
    max_new_tokens=14,
)

NINE = Case(
    name="nine",
    about="One picture of 1 row and 2 columns. idefics3; 9 × 9 patches a tile, 3 × 3 of them a token. float32, untied "
    "head, wider heads than the model's width would give, LoRA on all linear layers of the text model.",
    checkpoint=Checkpoint(
        family=IDEFICS3,
        text=Text(hidden=48, heads=4, kv_heads=2, layers=2, ffn=48, head_dim=16, rope_theta=1e5, eps=1e-5),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, image=36, patch=4, scale=3),
        pictures=Tiles(longest_edge=72),
        seed=3406,
    ),
    adapter={
        "r": 5,
        "lora_alpha": 5,
        "target_modules": "all-linear",
        "exclude_modules": r".*(vision_model|connector).*",
    },
    pictures={"a.png": (70, 30)},
    messages=[user(picture("a.png"), words("Where is the red box?"))],
    completion=' [{"bbox_2d": [12, 8, 60, 71], "label": "red box"}]',
    max_new_tokens=16,
)

UNEVEN = Case(
    name="uneven",
    about="Tiles of 26 pixels and patches of 4: the last two pixels, right and below, belong to no patch, as in the 2.2B "
    "with its tiles of 384 and patches of 14. Three pictures in 2 × 2, 1 × 2 and 2 × 1 tiles. smolvlm; 6 × 6 patches a "
    "tile, 3 × 3 of them a token. float32, untied head, no grouped heads, LoRA with rslora.",
    checkpoint=Checkpoint(
        family=SMOLVLM,
        text=Text(hidden=48, heads=3, kv_heads=3, layers=2, ffn=56, rope_theta=13e4, eps=1e-5),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, image=26, patch=4, scale=3),
        pictures=Tiles(longest_edge=52),
        seed=3603,
    ),
    adapter={
        "r": 4,
        "lora_alpha": 4,
        "use_rslora": True,
        "target_modules": r".*text_model.*\.(q|v|gate|down)_proj",
    },
    pictures={"square.png": (61, 59), "wide.png": (90, 40), "tall.png": (17, 40)},
    messages=[user(picture("square.png"), picture("wide.png"), picture("tall.png"), words("Which has a disc?"))],
    completion=" The second image: [12, 8, 60, 71]",
    max_new_tokens=12,
)

POLICY_DAPO = Case(
    name="policy-dapo",
    about="One group under loss_type dapo: two pictures, unsplit because preprocessor_config.json says so, a higher "
    "upper clip, a KL term weighted by the ratio, temperature 0.9. smolvlm, bfloat16, untied head.",
    checkpoint=Checkpoint(
        family=SMOLVLM,
        text=Text(hidden=48, heads=6, kv_heads=2, layers=2, ffn=48, rope_theta=1e5, eps=1e-5),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, image=16, patch=4, scale=2),
        pictures=Tiles(longest_edge=32, splitting=False),
        seed=3504,
        dtype="bfloat16",
    ),
    adapter={"r": 4, "lora_alpha": 4, "target_modules": r".*text_model.*\.(q|v)_proj"},
    pictures={"a.png": (40, 40), "b.png": (64, 30)},
    messages=[user(picture("a.png"), picture("b.png"), words("Which is it?"))],
    policy={
        "loss_type": "dapo",
        "epsilon": 0.2,
        "epsilon_high": 0.28,
        "beta": 0.04,
        "use_bias_correction_kl": True,
        "temperature": 0.9,
        "max_completion_length": 64,
        "completions": [" Image-2", " It is the first image, on the left.", " I am not sure"],
        "advantages": [1.1, -0.8, -0.3],
    },
    left_out=SEEN_ELSEWHERE,
)

LLAMA3 = Case(
    name="llama3",
    about="Positions stretched as in Llama 3.1, on which Idefics3-8B stands, and a bias on every linear layer of the "
    "text. idefics3, float16, untied head.",
    checkpoint=Checkpoint(
        family=IDEFICS3,
        text=Text(
            hidden=48, heads=3, kv_heads=1, layers=2, ffn=48, rope_theta=5e5, eps=1e-5, biased=True,
            stretch={
                "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 96,
            },
        ),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, image=16, patch=4, scale=2),
        pictures=Tiles(longest_edge=32),
        seed=736,
        dtype="float16",
    ),
    adapter={"r": 4, "lora_alpha": 8, "target_modules": r".*text_model.*\.(q_proj|o_proj|down_proj)"},
    pictures={"a.png": (40, 24)},
    messages=[user(picture("a.png"), words("Where is the red box?"))],
    completion=" [12, 8, 60, 71]",
    max_new_tokens=12,
    left_out=("pixel_values",),
)  # fmt: skip

POLICY_HEAD = Case(
    name="policy-head",
    about="One group under loss_type dapo with an adapter on the output head and on one projection. smolvlm, float16, untied head.",
    checkpoint=Checkpoint(
        family=SMOLVLM,
        text=Text(hidden=48, heads=3, kv_heads=1, layers=2, ffn=48, rope_theta=1e5, eps=1e-5),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, image=16, patch=4, scale=2),
        pictures=Tiles(longest_edge=16, splitting=False),
        seed=3511,
        dtype="float16",
    ),
    adapter={"r": 4, "lora_alpha": 4, "target_modules": ["lm_head", "v_proj"], "exclude_modules": ".*vision_model.*"},
    pictures={"a.png": (20, 20)},
    messages=[user(picture("a.png"), words("Which is it?"))],
    policy={
        "loss_type": "dapo",
        "epsilon": 0.2,
        "epsilon_high": 0.28,
        "beta": 0.04,
        "temperature": 0.9,
        "max_completion_length": 64,
        "completions": [" Image-2", " It is the first image.", " I am not sure"],
        "advantages": [1.1, -0.8, -0.3],
    },
    left_out=SEEN_ELSEWHERE,
)

CASES = [SPLIT, SINGLE_TILES, WHOLE, NINE, UNEVEN, POLICY_DAPO, LLAMA3, POLICY_HEAD]
