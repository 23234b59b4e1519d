"""The golden cases of Qwen2-VL."""

from ..families.family import Checkpoint, Text
from ..families.qwen import PixelLimits
from ..families.qwen2_vl import QWEN2_VL, Vision
from .case import ALL_PROJECTIONS, SEEN_ELSEWHERE, Case, assistant, picture, system, user, words

ONE_IMAGE = Case(
    name="one-image",
    about="One picture of 2 × 3 merged patches. float32, untied head, the Hub's flat config (whose vision_config names "
    "no activation) and key names, vision heads of 12, LoRA on all seven projections.",
    checkpoint=Checkpoint(
        family=QWEN2_VL,
        text=Text(hidden=48, heads=3, kv_heads=1, layers=2, ffn=48, mrope_section=[2, 3, 3]),
        vision=Vision(embed=24, heads=2, depth=2, mlp_ratio=2),
        pictures=PixelLimits(3136, 12544),
        seed=1100,
    ),
    adapter={"r": 4, "lora_alpha": 8, "target_modules": ALL_PROJECTIONS, "exclude_modules": ".*visual.*"},
    pictures={"a.png": (80, 60)},
    messages=[user(picture("a.png"), words("Where is the red box?"))],
    completion="<|box_start|>(120,45),(980,700)<|box_end|>",
    max_new_tokens=16,
)

TWO_IMAGES = Case(
    name="two-images",
    about="Two pictures of different sizes in two turns, after a system message. bfloat16 in two shards, untied head, "
    "transformers 5's nested config and key names, patches of 8, vision heads of 12, an MLP four times as wide, LoRA by "
    "a regular expression that skips the last layer's MLP.",
    checkpoint=Checkpoint(
        family=QWEN2_VL,
        text=Text(hidden=80, heads=4, kv_heads=2, layers=2, ffn=48, mrope_section=[2, 4, 4], rope_theta=5e5, eps=1e-5),
        vision=Vision(embed=24, heads=2, depth=3, mlp_ratio=4, patch=8),
        pictures=PixelLimits(1024, 8192, "size"),
        seed=1200,
        dtype="bfloat16",
        layout="nested",
        shards=2,
    ),
    adapter={
        "r": 8,
        "lora_alpha": 16,
        "target_modules": r".*language_model\.layers\.(\d+\.self_attn\.(q|v|o)_proj|0\.mlp\.(gate|up|down)_proj)",
    },
    pictures={"first.png": (64, 48), "second.png": (51, 77)},
    messages=[
        system("Answer with boxes."),
        user(picture("first.png"), words("Where is the disc?")),
        assistant("[[10, 20, 30, 40]]"),
        user(words("And here? "), picture("second.png")),
    ],
    completion="[[1, 2, 27, 50]]\n",
    max_new_tokens=14,
    left_out=("pixel_values",),
)

FOUR_IMAGES = Case(
    name="four-images",
    about="Four small pictures in one turn: one enlarged to min_pixels, one reduced to max_pixels, one that needs no "
    "resize, one whose sides are 1.5 and 2.5 times 28 (Python rounds both to 2). The limits come from case.json. "
    "float16, tied head, one head for keys and values, vision heads of 20, template in tokenizer_config.json, LoRA with "
    "rank and alpha patterns.",
    checkpoint=Checkpoint(
        family=QWEN2_VL,
        text=Text(hidden=80, heads=2, kv_heads=1, layers=2, ffn=48, mrope_section=[4, 8, 8]),
        vision=Vision(embed=40, heads=2, depth=2, mlp_ratio=1),
        pictures=PixelLimits(3136, 12544),
        seed=1300,
        dtype="float16",
        tied=True,
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
    pictures={"tiny.png": (9, 13), "large.png": (150, 101), "exact.png": (56, 28), "halves.png": (70, 42)},
    processor={"min_pixels": 1568, "max_pixels": 3136},
    messages=[
        user(
            picture("tiny.png"), picture("large.png"), picture("exact.png"), words(" and "), picture("halves.png"),
            words("\nWhich one is different?"),
        )
    ],
    completion="The third image.",
    max_new_tokens=12,
    left_out=("pixel_values",),
)  # fmt: skip

POLICY_DAPO = Case(
    name="policy-dapo",
    about="One group under loss_type dapo: two pictures, a higher upper clip, a KL term weighted by the ratio, "
    "temperature 0.9. bfloat16, tied head, nested layout, vision heads of 12.",
    checkpoint=Checkpoint(
        family=QWEN2_VL,
        text=Text(hidden=64, heads=8, kv_heads=2, layers=2, ffn=64, mrope_section=[2, 1, 1]),
        vision=Vision(embed=24, heads=2, depth=2, mlp_ratio=2, patch=8),
        pictures=PixelLimits(512, 4096),
        seed=1401,
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

LINEAR = Case(
    name="linear",
    about="Positions stretched evenly, 3 × 3 patches a token. float16, tied head, transformers 5's nested config.",
    checkpoint=Checkpoint(
        family=QWEN2_VL,
        text=Text(
            hidden=48, heads=3, kv_heads=1, layers=2, ffn=48, mrope_section=[2, 3, 3],
            stretch={"rope_type": "linear", "factor": 2.5},
        ),
        vision=Vision(embed=24, heads=2, depth=2, mlp_ratio=2, patch=8, merge=3),
        pictures=PixelLimits(576, 5184),
        seed=732,
        dtype="float16",
        tied=True,
        layout="nested",
    ),
    adapter={"r": 4, "lora_alpha": 4, "target_modules": ["q_proj", "k_proj", "v_proj", "up_proj"]},
    pictures={"a.png": (70, 50), "b.png": (24, 50)},
    messages=[user(picture("a.png"), picture("b.png"), words("Where is the red box?"))],
    completion="Image-2: (12,8),(60,71)",
    max_new_tokens=12,
    left_out=("pixel_values",),
)  # fmt: skip

CASES = [ONE_IMAGE, TWO_IMAGES, FOUR_IMAGES, POLICY_DAPO, LINEAR]
