"""The starter's tokenizer: a byte-level BPE of 1,987 tokens with Qwen's special tokens.

Any text round-trips (256 bytes are in the vocabulary). What the starter says often is one token: every object
word, every integer 0..255 — alone, after a space, or after ", " — and the JSON around a box, so that

    [{"bbox_2d": [12, 30, 55, 80], "label": "red apple"}]

is eight tokens and an answer is short. Only standard components: Split + ByteLevel, BPE, ByteLevel decoder.
"""

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from objects import NAMES

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>",
           "<|box_start|>", "<|box_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
           "<|image_pad|>", "<|video_pad|>"]
PLAIN = ["<think>", "</think>", "<answer>", "</answer>"]

GLUE = ['[{"bbox_2d": [', '{"bbox_2d": [', '], "label": "', '"}, ', '"}]', '{"image":', ', "bbox_2d": [', "]}"]
PATTERN = "|".join([
    r'\[\{"bbox_2d": \[', r'\{"bbox_2d": \[', r'\], "label": "', r'"\}, ', r'"\}\]', r'\{"image":',
    r', "bbox_2d": \[', r"\]\}",  # the JSON around boxes
    r" ?Image-\p{N}",
    r",? ?\p{N}{1,3}",
    r" ?\p{L}+",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*",
    r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
])

# Words of the questions and of the thinking templates, besides the objects' names.
WORDS = """Locate Find Where is the Give bounding box of every object Detect all objects Describe image images What are
shows show a an and in both There here this that it It on Think first second third fourth fifth sixth one two three
four common difference between same which Which also appears appear another all other only alone marked named shown
part crop region cut from comes come where belongs shared present missing new added replaced changed not found seen
picture pictures So The In A An To then with has have does no yes different differs copy close view zoomed zoom out
contains contain look Look looking at find locate but each as for was by answer question it's It's s user assistant
system You helpful label bbox Compare compare single contains everything scene target Both These whose place
left right top bottom corner middle center above below small large larger smaller big
red orange yellow green blue purple pink black white gray brown""".split()
PUNCTUATION = [".", ",", "?", "!", ":", ";", "-", "'", '"', "(", ")", "),(", "[", "]", "{", "}", "\n", "\n\n", " ", "  ",
               ".\n", ":\n", "?\n"]


def build() -> Tokenizer:
    words = [w for name in NAMES for w in name.split()] + WORDS
    units = GLUE + PUNCTUATION
    for word in dict.fromkeys(words):
        units += [word, " " + word]
    for n in range(256):
        units += [str(n), f" {n}", f", {n}"]
    for k in range(1, 9):
        units += [f"Image-{k}", f" Image-{k}"]
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=8000, min_frequency=1, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(units, trainer)
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in PLAIN])
    return tokenizer


# Qwen2.5-VL's template without its default system message: short prompts matter at 112 px.
CHAT_TEMPLATE = """\
{%- set image_count = namespace(value=0) -%}
{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' -}}
{%- if message['content'] is string -%}
{{- message['content'] -}}
{%- else -%}
{%- for content in message['content'] -%}
{%- if content['type'] == 'image' or 'image' in content or 'image_url' in content -%}
{%- set image_count.value = image_count.value + 1 -%}
{%- if add_vision_id is defined and add_vision_id -%}{{- 'Picture ' + image_count.value | string + ': ' -}}{%- endif -%}
{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}
{%- elif content['type'] == 'video' or 'video' in content -%}
{{- '<|vision_start|><|video_pad|><|vision_end|>' -}}
{%- elif 'text' in content -%}
{{- content['text'] -}}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\\n' -}}
{%- endif -%}
"""


def fast() -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=build(), eos_token="<|im_end|>", pad_token="<|endoftext|>",
                                   model_max_length=2048, clean_up_tokenization_spaces=False,
                                   additional_special_tokens=SPECIAL[1:], chat_template=CHAT_TEMPLATE)
