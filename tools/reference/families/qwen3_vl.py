"""Qwen3-VL: a resampled position table, DeepStack (features of early vision blocks added in early text layers), norms
of queries and keys, rotary frequencies dealt out to the axes in turn. One layout of keys; configs differ in where
rotary settings stand.
"""

from dataclasses import dataclass

import torch
from transformers import Qwen3VLForConditionalGeneration

from .family import Checkpoint
from .qwen import TOOLS_AND_CODE, Qwen, qwen_vocabulary

# As published with Qwen3-VL, without the parts for tools and their calls.
TEMPLATE = """\
{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].content is string %}
        {{- messages[0].content }}
    {%- else %}
        {%- for content in messages[0].content %}
            {%- if 'text' in content %}
                {{- content.text }}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endif %}
{%- set image_count = namespace(value=0) %}
{%- set video_count = namespace(value=0) %}
{%- for message in messages %}
    {%- if message.role == "user" %}
        {{- '<|im_start|>' + message.role + '\\n' }}
        {%- if message.content is string %}
            {{- message.content }}
        {%- else %}
            {%- for content in message.content %}
                {%- if content.type == 'image' or 'image' in content or 'image_url' in content %}
                    {%- set image_count.value = image_count.value + 1 %}
                    {%- if add_vision_id %}Picture {{ image_count.value }}: {% endif -%}
                    <|vision_start|><|image_pad|><|vision_end|>
                {%- elif content.type == 'video' or 'video' in content %}
                    {%- set video_count.value = video_count.value + 1 %}
                    {%- if add_vision_id %}Video {{ video_count.value }}: {% endif -%}
                    <|vision_start|><|video_pad|><|vision_end|>
                {%- elif 'text' in content %}
                    {{- content.text }}
                {%- endif %}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role + '\\n' }}
        {%- if message.content is string %}
            {{- message.content }}
        {%- else %}
            {%- for content_item in message.content %}
                {%- if 'text' in content_item %}
                    {{- content_item.text }}
                {%- endif %}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


@dataclass
class Vision:
    hidden: int
    heads: int
    depth: int
    ffn: int
    deepstack: list[int]  # blocks whose output is merged as well and added after the first text layers
    positions: int  # rows of the position table: a square
    patch: int = 16
    merge: int = 2  # so many patches, across and down, make one token


class Qwen3VL(Qwen):
    name = folder = "qwen3_vl"
    vocabulary = qwen_vocabulary(
        [*TOOLS_AND_CODE, "<tool_response>", "</tool_response>", "<think>", "</think>"], TEMPLATE
    )
    model_class = Qwen3VLForConditionalGeneration
    processor_class = "Qwen3VLProcessor"
    image_processor_type = "Qwen2VLImageProcessorFast"
    image_mean = image_std = [0.5, 0.5, 0.5]

    def config_json(self, spec: Checkpoint) -> dict:
        text, vision = spec.text, spec.vision
        sections = {"mrope_interleaved": True, "mrope_section": text.mrope_section, "rope_type": "default", **(text.stretch or {})}
        rotary = (
            {"rope_scaling": sections, "rope_theta": text.rope_theta}
            if spec.layout == "legacy"
            else {"rope_parameters": {**sections, "rope_theta": text.rope_theta}}
        )
        return {
            "architectures": [self.model_class.__name__],
            "dtype": spec.dtype,
            "model_type": self.name,
            **self.token_ids_json(),
            "text_config": self.text_json(
                text,
                attention_bias=text.biased,
                dtype=spec.dtype,
                head_dim=text.head_dim,
                model_type=f"{self.name}_text",
                tie_word_embeddings=spec.tied,
                **rotary,
            ),
            "tie_word_embeddings": spec.tied,
            "transformers_version": "4.57.0.dev0" if spec.layout == "legacy" else "5.18.0",
            "vision_config": {
                "deepstack_visual_indexes": vision.deepstack,
                "depth": vision.depth,
                "dtype": spec.dtype,
                "hidden_act": "gelu_pytorch_tanh",
                "hidden_size": vision.hidden,
                "in_channels": 3,
                "initializer_range": 0.02,
                "intermediate_size": vision.ffn,
                # Early checkpoints name the whole model here; transformers corrects it.
                "model_type": self.name if spec.layout == "legacy" else f"{self.name}_vision",
                "num_heads": vision.heads,
                "num_position_embeddings": vision.positions,
                "out_hidden_size": text.hidden,
                "patch_size": vision.patch,
                "spatial_merge_size": vision.merge,
                "temporal_patch_size": 2,
            },
        }

    def features(self, model, fields: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        output = model.model.get_image_features(fields["pixel_values"], fields["image_grid_thw"])
        levels = [torch.cat(list(level)) for level in output.deepstack_features]
        return {"image_features": torch.cat(list(output.pooler_output)), "deepstack_features": torch.stack(levels)}


QWEN3_VL = Qwen3VL()
