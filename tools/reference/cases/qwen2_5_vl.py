"""The golden cases of Qwen2.5-VL."""

from ..families.family import Checkpoint, Text
from ..families.qwen import PixelLimits
from ..families.qwen2_5_vl import QWEN2_5_VL, Vision
from .case import ALL_PROJECTIONS, SEEN_ELSEWHERE, Case, assistant, picture, system, user, words

ONE_IMAGE = Case(
    name="one-image",
    about="One picture of 3 × 4 merged patches: a full window of 3 × 3 and an edge window of 3 × 1. float32, untied "
    "head, the Hub's flat config and key names, LoRA on all seven projections.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=64, heads=4, kv_heads=2, layers=2, ffn=64, mrope_section=[2, 3, 3]),
        vision=Vision(hidden=32, heads=2, depth=2, ffn=48, full_attention=[1], window=84),
        pictures=PixelLimits(3136, 12544),
        seed=102,
    ),
    # Without the exclusion the suffixes would match the vision tower's gate, up and down projections too.
    adapter={"r": 4, "lora_alpha": 8, "target_modules": ALL_PROJECTIONS, "exclude_modules": ".*visual.*"},
    pictures={"a.png": (118, 79)},
    messages=[user(picture("a.png"), words("Where is the red box?"))],
    completion='[{"bbox_2d": [12, 8, 60, 71], "label": "red box"}]',
    max_new_tokens=16,
)

TWO_IMAGES = Case(
    name="two-images",
    about="Two pictures of different sizes: windows that divide the first exactly and leave edges on both sides of the "
    "second. bfloat16 in three shards, untied head, transformers 5's nested config and key names, patches of 8, "
    "LoRA by a regular expression that skips the last layer's MLP.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=96, heads=4, kv_heads=2, layers=2, ffn=64, mrope_section=[2, 5, 5], rope_theta=5e5, eps=1e-5),
        vision=Vision(hidden=48, heads=2, depth=2, ffn=48, full_attention=[0], window=64, patch=8),
        pictures=PixelLimits(1024, 8192, "size"),
        seed=201,
        dtype="bfloat16",
        layout="nested",
        shards=3,
    ),
    adapter={
        "r": 8,
        "lora_alpha": 16,
        "target_modules": r".*language_model\.layers\.(\d+\.self_attn\.(q|v|o)_proj|0\.mlp\.(gate|up|down)_proj)",
    },
    pictures={"left.png": (64, 64), "right.png": (51, 77)},
    messages=[user(words("Image-1: "), picture("left.png"), words("\nImage-2: "), picture("right.png"), words("?"))],
    completion="Image-2: <|box_start|>(120,45),(980,700)<|box_end|>",
    max_new_tokens=14,
    left_out=("pixel_values",),
)

FOUR_IMAGES = Case(
    name="four-images",
    about="Four small pictures in one turn: one enlarged to min_pixels, one reduced to max_pixels, one that needs no "
    "resize, one whose sides are 1.5 and 2.5 times 28 (Python rounds both to 2). The limits come from case.json. "
    "float16, tied head, template in tokenizer_config.json, LoRA with rank and alpha patterns.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=80, heads=2, kv_heads=1, layers=2, ffn=48, mrope_section=[4, 8, 8]),
        vision=Vision(hidden=32, heads=1, depth=2, ffn=32, full_attention=[1], window=56),
        pictures=PixelLimits(3136, 12544),
        seed=320,
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
)  # fmt: skip

TEXT_ONLY = Case(
    name="text-only",
    about="No picture: a system message and three turns, with accents and Chinese. bfloat16, tied head, nested layout, "
    "template in chat_template.json, heads of 64, rank-stabilised LoRA.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=128, heads=2, kv_heads=1, layers=2, ffn=48, mrope_section=[8, 12, 12]),
        vision=Vision(hidden=16, heads=2, depth=1, ffn=16, full_attention=[0], window=64, patch=8),
        pictures=PixelLimits(3136, 12544),
        seed=407,
        dtype="bfloat16",
        tied=True,
        layout="nested",
        template_in="json",
    ),
    adapter={
        "r": 8,
        "lora_alpha": 8,
        "use_rslora": True,
        "target_modules": ["q_proj", "k_proj", "v_proj"],
    },
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

TURNS = Case(
    name="turns",
    about="Pictures in two of the user's turns with an answer between, after a system message. The published window of "
    "112 and patch of 14: rows that windows divide exactly, columns with an edge. float16, untied head in two shards, "
    "no grouped heads, LoRA on all linear layers with the vision tower excluded.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=64, heads=2, kv_heads=2, layers=3, ffn=64, mrope_section=[4, 6, 6]),
        vision=Vision(hidden=32, heads=4, depth=3, ffn=32, full_attention=[1]),
        pictures=PixelLimits(784, 16384),
        seed=502,
        dtype="float16",
        shards=2,
    ),
    adapter={"r": 5, "lora_alpha": 5, "target_modules": "all-linear", "exclude_modules": r".*visual.*"},
    pictures={"first.png": (146, 109), "second.png": (33, 61)},
    messages=[
        system("Answer with boxes."),
        user(picture("first.png"), words("Where is the disc?")),
        assistant("[[10, 20, 30, 40]]"),
        user(words("And here? "), picture("second.png")),
    ],
    completion="[[1, 2, 27, 50]]\n",
    max_new_tokens=12,
    left_out=("pixel_values",),
)


def policy_checkpoint(seed: int, **changes) -> Checkpoint:
    return Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=64, heads=8, kv_heads=2, layers=2, ffn=64, mrope_section=[2, 1, 1]),
        vision=Vision(hidden=16, heads=2, depth=2, ffn=32, full_attention=[1], window=32, patch=8),
        pictures=PixelLimits(512, 4096),
        seed=seed,
        tied=True,
        **changes,
    )


POLICY_GRPO = Case(
    name="policy-grpo",
    about="One group under loss_type grpo: four completions of different lengths, symmetric clipping, no KL term.",
    checkpoint=policy_checkpoint(600, dtype="float16"),
    adapter={"r": 4, "lora_alpha": 8, "target_modules": ALL_PROJECTIONS, "exclude_modules": ".*visual.*"},
    pictures={"a.png": (70, 40)},
    messages=[user(picture("a.png"), words("Box the disc."))],
    policy={
        "loss_type": "grpo",
        "epsilon": 0.2,
        "beta": 0.0,
        "temperature": 1.0,
        "max_completion_length": 64,
        "completions": ["[[1, 2, 30, 31]]", "the box is in the image", "?", "<think>\nno\n</think>\n[]"],
        "advantages": [1.25, -0.5, -1.0, 0.25],
    },
    left_out=SEEN_ELSEWHERE,
)

POLICY_DAPO = Case(
    name="policy-dapo",
    about="One group under loss_type dapo: two pictures, a higher upper clip, a KL term weighted by the "
    "ratio, temperature 0.9.",
    checkpoint=policy_checkpoint(702, dtype="bfloat16", layout="nested"),
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

POLICY_DR_GRPO = Case(
    name="policy-dr-grpo",
    about="One group under loss_type dr_grpo: the third completion was cut off at max_completion_length and is masked, "
    "though it still counts among the group's completions; a plain KL term, temperature 1.2.",
    checkpoint=policy_checkpoint(800, dtype="float16"),
    adapter={"r": 6, "lora_alpha": 6, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"]},
    pictures={"a.png": (48, 48)},
    messages=[user(picture("a.png"), words("Count the boxes."))],
    policy={
        "loss_type": "dr_grpo",
        "epsilon": 0.1,
        "epsilon_high": 0.3,
        "beta": 0.1,
        "use_bias_correction_kl": False,
        "temperature": 1.2,
        "max_completion_length": 24,
        "mask_truncated_completions": True,
        "completions": ["Two boxes.", "one", "The box and the box and", "[[3, 4, 5, 6]]"],
        "truncated": [False, False, True, False],
        "advantages": [0.9, -0.6, 1.4, -1.7],
    },
    left_out=SEEN_ELSEWHERE,
)

YARN = Case(
    name="yarn",
    about="Positions stretched by YaRN as Qwen’s own page says for long inputs (type, factor, original length), which "
    "changes the shortest prompt too; 3 × 3 patches a token, windows of 2 × 2 tokens. float16, tied head, the Hub's "
    "flat config.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(
            hidden=48, heads=3, kv_heads=1, layers=2, ffn=48, mrope_section=[2, 3, 3],
            stretch={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128},
        ),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, full_attention=[1], window=48, patch=8, merge=3),
        pictures=PixelLimits(576, 5184),
        seed=731,
        dtype="float16",
        tied=True,
    ),
    adapter={"r": 4, "lora_alpha": 8, "target_modules": ALL_PROJECTIONS, "exclude_modules": ".*visual.*"},
    pictures={"a.png": (70, 50), "b.png": (24, 50)},
    messages=[user(picture("a.png"), picture("b.png"), words("Where is the red box?"))],
    completion="Image-2: [12, 8, 60, 71]",
    max_new_tokens=12,
    left_out=("pixel_values",),
)  # fmt: skip

HEAD = Case(
    name="head",
    about="An adapter on the output head, which is the embedding's matrix, too, and on one projection: the embedding "
    "stays as it is. PEFT saves the whole head beside it. float16, tied head.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=48, heads=3, kv_heads=1, layers=2, ffn=48, mrope_section=[2, 3, 3]),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, full_attention=[1], window=32, patch=8),
        pictures=PixelLimits(256, 1024),
        seed=741,
        dtype="float16",
        tied=True,
    ),
    adapter={"r": 6, "lora_alpha": 9, "target_modules": ["lm_head", "q_proj"]},
    pictures={"a.png": (30, 20)},
    messages=[user(picture("a.png"), words("Where is the red box?"))],
    completion="[12, 8, 60, 71]",
    max_new_tokens=12,
    left_out=("pixel_values",),
)

DORA = Case(
    name="dora",
    about="A DoRA adapter, whose row norms were trained, too: it is folded into the weights. float16, untied head.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=48, heads=3, kv_heads=1, layers=2, ffn=48, mrope_section=[2, 3, 3]),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, full_attention=[1], window=32, patch=8),
        pictures=PixelLimits(256, 1024),
        seed=751,
        dtype="float16",
    ),
    adapter={"r": 4, "lora_alpha": 6, "use_dora": True, "target_modules": ["q_proj", "down_proj"], "exclude_modules": ".*visual.*"},
    pictures={"a.png": (30, 20)},
    messages=[user(picture("a.png"), words("Where is the red box?"))],
    completion="[12, 8, 60, 71]",
    max_new_tokens=12,
    left_out=("pixel_values",),
)  # fmt: skip

BNB_NF4 = Case(
    name="bnb-nf4",
    about="Quantised by bitsandbytes: NF4 with doubly quantised scales, in both towers, float16 beneath; untied head.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=48, heads=3, kv_heads=1, layers=2, ffn=52, mrope_section=[2, 3, 3]),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=36, full_attention=[1], window=32, patch=8),
        pictures=PixelLimits(256, 1024),
        seed=761,
        dtype="float16",
        codes="nf4",
    ),
    adapter={"r": 4, "lora_alpha": 6, "target_modules": ["q_proj", "up_proj"], "exclude_modules": ".*visual.*"},
    pictures={"a.png": (30, 20)},
    messages=[user(picture("a.png"), words("Where is the red box?"))],
    completion="[12, 8, 60, 71]",
    max_new_tokens=12,
    left_out=("pixel_values",),
)  # fmt: skip

FP8 = Case(
    name="fp8",
    about="Quantised in FP8 with a scale for each block of 128 × 128, the last ones smaller; bfloat16 beneath, tied head.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=48, heads=3, kv_heads=1, layers=2, ffn=132, mrope_section=[2, 3, 3]),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, full_attention=[1], window=32, patch=8),
        pictures=PixelLimits(256, 1024),
        seed=771,
        dtype="bfloat16",
        tied=True,
        codes="fp8",
    ),
    adapter={"r": 4, "lora_alpha": 6, "target_modules": ["v_proj", "down_proj"], "exclude_modules": ".*visual.*"},
    pictures={"a.png": (30, 20)},
    messages=[user(picture("a.png"), words("Where is the red box?"))],
    completion="[12, 8, 60, 71]",
    max_new_tokens=12,
    left_out=("pixel_values",),
)  # fmt: skip

VISION = Case(
    name="vision",
    about="An adapter on every linear layer, the vision tower's and its merger's among them, as all-linear gives it where "
    "nothing is excluded: picture features change with it. float32, untied head.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=48, heads=3, kv_heads=1, layers=2, ffn=48, mrope_section=[2, 3, 3]),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, full_attention=[1], window=32, patch=8),
        pictures=PixelLimits(256, 1024),
        seed=781,
    ),
    adapter={"r": 3, "lora_alpha": 6, "target_modules": "all-linear"},
    pictures={"a.png": (30, 20), "b.png": (20, 40)},
    messages=[user(picture("a.png"), picture("b.png"), words("Where is the red box?"))],
    completion="Image-2: [12, 8, 60, 71]",
    max_new_tokens=12,
    left_out=("pixel_values",),
)

PROCESSOR_CONFIG = Case(
    name="processor-config",
    about="What is said of pictures stands in processor_config.json alone, as transformers 5 saves it, with a mean, a "
    "deviation and limits that are not the family's. float16, tied head, nested layout.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=48, heads=3, kv_heads=1, layers=2, ffn=48, mrope_section=[2, 3, 3]),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, full_attention=[1], window=32, patch=8),
        pictures=PixelLimits(
            512, 2048, "size", {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.3, 0.2, 0.25], "rescale_factor": 1 / 255}
        ),
        seed=791,
        dtype="float16",
        tied=True,
        layout="nested",
        picture_file="processor_config.json",
    ),
    adapter={"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "up_proj"], "exclude_modules": ".*visual.*"},
    pictures={"a.png": (80, 60), "b.png": (9, 14)},
    messages=[user(picture("a.png"), picture("b.png"), words("Where is the red box?"))],
    completion="Image-1: [12, 8, 60, 71]",
    max_new_tokens=12,
)  # fmt: skip

LINEAR = Case(
    name="linear",
    about="Positions divided by a factor; and no file says anything of pictures, so the family's own settings hold: the "
    "mean, the deviation and the limits that transformers' processor has by itself. bfloat16, untied head, nested layout.",
    checkpoint=Checkpoint(
        family=QWEN2_5_VL,
        text=Text(hidden=48, heads=3, kv_heads=1, layers=2, ffn=48, mrope_section=[2, 3, 3], stretch={"rope_type": "linear", "factor": 2.5}),
        vision=Vision(hidden=24, heads=2, depth=2, ffn=32, full_attention=[1], window=56),
        pictures=PixelLimits(56 * 56, 28 * 28 * 1280),
        seed=801,
        dtype="bfloat16",
        layout="nested",
        picture_file=None,
    ),
    adapter={"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "k_proj", "down_proj"], "exclude_modules": ".*visual.*"},
    pictures={"a.png": (30, 20), "b.png": (90, 60)},
    messages=[user(picture("a.png"), picture("b.png"), words("Where is the red box?"))],
    completion="Image-2: [12, 8, 60, 71]",
    max_new_tokens=12,
)  # fmt: skip

CASES = [ONE_IMAGE, TWO_IMAGES, FOUR_IMAGES, TEXT_ONLY, TURNS, POLICY_GRPO, POLICY_DAPO, POLICY_DR_GRPO, YARN, HEAD, DORA, BNB_NF4, FP8, VISION, PROCESSOR_CONFIG, LINEAR]
