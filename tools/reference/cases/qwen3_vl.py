"""The golden cases of Qwen3-VL."""

from ..families.family import Checkpoint, Text
from ..families.qwen import PixelLimits
from ..families.qwen3_vl import QWEN3_VL, Vision
from .case import ALL_PROJECTIONS, SEEN_ELSEWHERE, Case, assistant, picture, system, user, words

ONE_IMAGE = Case(
    name="one-image",
    about="One picture of 6 × 4 patches of 16, a position table of 16 × 16. Two DeepStack levels, from the first and "
    "the last but one of three blocks. float32, untied head, heads of 16 in a model 40 wide, uneven rotary sections, "
    "one vision head of 12, the Hub's config, LoRA on all seven projections.",
    checkpoint=Checkpoint(
        family=QWEN3_VL,
        text=Text(hidden=40, heads=4, kv_heads=2, layers=2, ffn=48, mrope_section=[3, 3, 2], head_dim=16, rope_theta=5e6),
        vision=Vision(hidden=12, heads=1, depth=3, ffn=32, deepstack=[0, 1], positions=256),
        pictures=PixelLimits(1024, 8192, "size"),
        seed=2100,
    ),
    adapter={"r": 4, "lora_alpha": 8, "target_modules": ALL_PROJECTIONS, "exclude_modules": ".*visual.*"},
    pictures={"a.png": (61, 90)},
    messages=[user(picture("a.png"), words("Where is the red box?"))],
    completion='[{"bbox_2d": [12, 8, 60, 71], "label": "red box"}]',
    max_new_tokens=16,
)

TWO_IMAGES = Case(
    name="two-images",
    about="Two pictures of different sizes, on a position table of only 3 × 3. Three DeepStack levels and as many text "
    "layers; the last block gives one. bfloat16 in two shards, tied head, no grouped heads, rotary sections of 4, 2 "
    "and 2, patches of 8, one vision head of 20, transformers 5's config, LoRA by a regular expression.",
    checkpoint=Checkpoint(
        family=QWEN3_VL,
        text=Text(hidden=64, heads=2, kv_heads=2, layers=3, ffn=48, mrope_section=[4, 2, 2], head_dim=16, eps=1e-5),
        vision=Vision(hidden=20, heads=1, depth=4, ffn=48, deepstack=[0, 1, 3], positions=9, patch=8),
        pictures=PixelLimits(1024, 8192, "size"),
        seed=2200,
        dtype="bfloat16",
        tied=True,
        layout="nested",
        shards=2,
    ),
    adapter={
        "r": 8,
        "lora_alpha": 16,
        "target_modules": r".*language_model\.layers\.(\d+\.self_attn\.(q|k|o)_proj|1\.mlp\.(gate|up|down)_proj)",
    },
    pictures={"left.png": (64, 64), "right.png": (51, 77)},
    messages=[user(words("Image-1: "), picture("left.png"), words("\nImage-2: "), picture("right.png"), words("?"))],
    completion="Image-2: <|box_start|>(120,45),(980,700)<|box_end|>",
    max_new_tokens=14,
    left_out=("pixel_values",),
)

FOUR_IMAGES = Case(
    name="four-images",
    about="Four pictures in two turns, after a system message: one enlarged to min_pixels, one reduced to max_pixels, "
    "one that needs no resize, one whose sides are 1.5 and 2.5 times 32 (Python rounds both to 2). The limits come from "
    "case.json. One DeepStack level, from the middle block, before three text layers. float16, untied head, one head "
    "for keys and values, a position table of 5 × 5, LoRA with rank and alpha patterns.",
    checkpoint=Checkpoint(
        family=QWEN3_VL,
        text=Text(hidden=48, heads=2, kv_heads=1, layers=3, ffn=48, mrope_section=[6, 5, 5], head_dim=32, rope_theta=5e6),
        vision=Vision(hidden=32, heads=2, depth=3, ffn=32, deepstack=[1], positions=25),
        pictures=PixelLimits(65536, 16777216, "size"),
        seed=2300,
        dtype="float16",
        template_in="config",
    ),
    adapter={
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ALL_PROJECTIONS,
        "exclude_modules": r".*visual.*",
        "rank_pattern": {"q_proj": 6, r"layers\.1\.mlp\.down_proj": 8},
        "alpha_pattern": {"o_proj": 2, r"layers\.1\.mlp\.down_proj": 4},
    },
    pictures={"tiny.png": (9, 13), "large.png": (150, 101), "exact.png": (64, 32), "halves.png": (80, 48)},
    processor={"min_pixels": 2048, "max_pixels": 4096},
    messages=[
        system("Be terse."),
        user(picture("tiny.png"), picture("large.png"), words("Which one is larger?")),
        assistant("The second."),
        user(picture("exact.png"), words(" and "), picture("halves.png"), words("?")),
    ],
    completion="The first.",
    max_new_tokens=12,
    left_out=("pixel_values",),
)

TEXT_ONLY = Case(
    name="text-only",
    about="No picture: a system message and three turns. The model has DeepStack, which then adds nothing. bfloat16, "
    "tied head, template in chat_template.json, rank-stabilised LoRA.",
    checkpoint=Checkpoint(
        family=QWEN3_VL,
        text=Text(hidden=48, heads=4, kv_heads=1, layers=2, ffn=32, mrope_section=[4, 4, 4], head_dim=24, rope_theta=5e6),
        vision=Vision(hidden=16, heads=2, depth=2, ffn=16, deepstack=[0], positions=4, patch=8),
        pictures=PixelLimits(1024, 8192, "size"),
        seed=2400,
        dtype="bfloat16",
        tied=True,
        template_in="json",
    ),
    adapter={"r": 8, "lora_alpha": 8, "use_rslora": True, "target_modules": ["q_proj", "k_proj", "v_proj"]},
    pictures={},
    messages=[
        system("You are terse."),
        {"role": "user", "content": "Qu'est-ce que c'est, déjà ?"},
        assistant("Un chat."),
        user(words("你好!\n\nAnd now: 1 + 2 = ?")),
    ],
    completion="3",
    max_new_tokens=16,
)

POLICY_DAPO = Case(
    name="policy-dapo",
    about="One group under loss_type dapo: two pictures, a higher upper clip, a KL term weighted by the ratio, "
    "temperature 0.9. bfloat16, tied head, one DeepStack level, from the last block.",
    checkpoint=Checkpoint(
        family=QWEN3_VL,
        text=Text(hidden=64, heads=4, kv_heads=2, layers=2, ffn=64, mrope_section=[3, 3, 2], head_dim=16, rope_theta=5e6),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, deepstack=[1], positions=16, patch=8),
        pictures=PixelLimits(512, 4096, "size"),
        seed=2501,
        dtype="bfloat16",
        tied=True,
        layout="nested",
    ),
    adapter={"r": 4, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"]},
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
        "completions": ["Image-2", "It is the first image, on the left.", "I am not sure"],
        "advantages": [1.1, -0.8, -0.3],
    },
    left_out=SEEN_ELSEWHERE,
)

YARN = Case(
    name="yarn",
    about="Positions stretched by YaRN with settings of its own, a bias on all four attention projections, 3 × 3 "
    "patches a token. float16, tied head, transformers 5's config.",
    checkpoint=Checkpoint(
        family=QWEN3_VL,
        text=Text(
            hidden=48, heads=4, kv_heads=2, layers=2, ffn=48, mrope_section=[3, 3, 2], head_dim=16, rope_theta=5e6,
            biased=True,
            stretch={
                "rope_type": "yarn", "factor": 3.0, "original_max_position_embeddings": 96, "beta_fast": 24.0,
                "beta_slow": 2.0, "mscale": 1.4, "mscale_all_dim": 0.7, "truncate": False,
            },
        ),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, deepstack=[0], positions=16, patch=8, merge=3),
        pictures=PixelLimits(576, 5184, "size"),
        seed=733,
        dtype="float16",
        tied=True,
        layout="nested",
    ),
    adapter={"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "k_proj", "o_proj", "gate_proj"]},
    pictures={"a.png": (70, 50), "b.png": (24, 50)},
    messages=[user(picture("a.png"), picture("b.png"), words("Where is the red box?"))],
    completion="Image-2: [12, 8, 60, 71]",
    max_new_tokens=12,
    left_out=("pixel_values",),
)  # fmt: skip

LINEAR = Case(
    name="linear",
    about="Positions divided by a factor, in a file of transformers 4.57, under rope_scaling. float16, tied head.",
    checkpoint=Checkpoint(
        family=QWEN3_VL,
        text=Text(
            hidden=48, heads=4, kv_heads=2, layers=2, ffn=48, mrope_section=[3, 3, 2], head_dim=16, rope_theta=5e6,
            stretch={"rope_type": "linear", "factor": 4.0},
        ),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, deepstack=[0], positions=16, patch=8),
        pictures=PixelLimits(256, 2048, "size"),
        seed=743,
        dtype="float16",
        tied=True,
    ),
    adapter={"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "k_proj", "o_proj", "gate_proj"]},
    pictures={"a.png": (40, 30), "b.png": (24, 50)},
    messages=[user(picture("a.png"), picture("b.png"), words("Where is the red box?"))],
    completion="Image-2: [12, 8, 60, 71]",
    max_new_tokens=12,
    left_out=("pixel_values",),
)  # fmt: skip

VISION = Case(
    name="vision",
    about="An adapter whose names match the vision tower, too: linear_fc1 and linear_fc2 of its blocks, its merger and "
    "the mergers of deep features, beside the text's q_proj and down_proj. float32, untied head.",
    checkpoint=Checkpoint(
        family=QWEN3_VL,
        text=Text(hidden=48, heads=4, kv_heads=2, layers=2, ffn=48, mrope_section=[3, 3, 2], head_dim=16, rope_theta=5e6),
        vision=Vision(hidden=24, heads=2, depth=3, ffn=32, deepstack=[0, 1], positions=16, patch=8),
        pictures=PixelLimits(256, 2048, "size"),
        seed=753,
    ),
    adapter={"r": 2, "lora_alpha": 3, "target_modules": ["q_proj", "down_proj", "linear_fc1", "linear_fc2"], "use_rslora": True},
    pictures={"a.png": (40, 30)},
    messages=[user(picture("a.png"), words("Where is the red box?"))],
    completion="[12, 8, 60, 71]",
    max_new_tokens=12,
    left_out=("pixel_values",),
)  # fmt: skip

CASES = [ONE_IMAGE, TWO_IMAGES, FOUR_IMAGES, TEXT_ONLY, POLICY_DAPO, YARN, LINEAR, VISION]
