"""The starter's architecture (a true Qwen2_5_VLForConditionalGeneration, 3.9 M parameters) and fast forwards.

Transformers loops over attention windows in Python, which is slow for many small pictures. All our training
pictures are 112 × 112, so here the same modules run batched with fixed permutations; check.py asserts that
they agree with transformers' own forward. Not here: anything that decides what is learned.
"""

import torch
import torch.nn.functional as F
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

GRID, MERGED, PATCH = 8, 4, 14  # patches and merged tokens per side of a 112 px picture
MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711])


def new_model(tokenizer) -> Qwen2_5_VLForConditionalGeneration:
    ids = tokenizer.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        text_config=dict(
            vocab_size=-(-len(tokenizer) // 32) * 32, hidden_size=192, intermediate_size=512, num_hidden_layers=5,
            num_attention_heads=6, num_key_value_heads=2, hidden_act="silu", max_position_embeddings=2048,
            rms_norm_eps=1e-6, tie_word_embeddings=True, use_sliding_window=False, max_window_layers=5,
            # With Qwen's θ of 1e6 and 16 frequencies a 4 × 4 grid would hardly rotate at all.
            rope_parameters=dict(rope_type="default", rope_theta=20.0, mrope_section=[2, 6, 8]),
            bos_token_id=ids("<|endoftext|>"), eos_token_id=ids("<|im_end|>"), pad_token_id=ids("<|endoftext|>")),
        vision_config=dict(
            depth=5, hidden_size=128, intermediate_size=384, num_heads=4, out_hidden_size=192, patch_size=14,
            temporal_patch_size=2, spatial_merge_size=2, window_size=56, fullatt_block_indexes=[1, 3, 4],
            tokens_per_second=2, hidden_act="silu"),
        image_token_id=ids("<|image_pad|>"), video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"), vision_end_token_id=ids("<|vision_end|>"),
        tie_word_embeddings=True)
    model = Qwen2_5_VLForConditionalGeneration(config)
    with torch.no_grad():
        init_embeddings(model.get_input_embeddings().weight, tokenizer)
    return model


def init_embeddings(weight, tokenizer) -> None:
    """Numbers start on a smooth curve (neighbours alike), and "cat" starts next to " cat": both save much training."""
    generator = torch.Generator().manual_seed(0)
    vocab, hidden = weight.shape
    weight.normal_(0, 0.04, generator=generator)
    n = torch.arange(256)[:, None].float()
    waves = torch.cat([f(n * 2 * torch.pi / period) for period in (512, 256, 128, 64, 32, 16) for f in (torch.sin, torch.cos)], 1)
    mix = torch.randn(waves.shape[1], hidden, generator=generator) / waves.shape[1] ** 0.5 * 2 ** 0.5
    curve = waves @ mix
    for form in ("{}", " {}", ", {}"):
        rows = [tokenizer.encode(form.format(i))[0] for i in range(256)]
        weight[rows] = 0.04 * (0.9 * curve + 0.3 * torch.randn(1, hidden, generator=generator)
                               + 0.2 * torch.randn(256, hidden, generator=generator))
    vocabulary = tokenizer.get_vocab()
    for token, row in vocabulary.items():
        spaced = vocabulary.get("Ġ" + token)
        if spaced is not None and token.isalpha() and token.isascii() and len(token) > 1:
            weight[spaced] = weight[row] + 0.3 * (weight[spaced] - weight[row])


def patch_order() -> torch.Tensor:
    """Raster patch index → the order in which the vision tower works: windows, then merge blocks, then 2 × 2."""
    index = torch.arange(GRID * GRID).view(2, 2, 2, 2, 2, 2)  # window row, block row, row, window col, block col, col
    return index.permute(0, 3, 1, 4, 2, 5).reshape(-1)


def merged_unorder() -> torch.Tensor:
    """Positions in window order of the merged tokens in raster order."""
    return torch.argsort(torch.arange(16).view(2, 2, 2, 2).permute(0, 2, 1, 3).reshape(-1))


ORDER, UNORDER = patch_order(), merged_unorder()


def patches_of(images: torch.Tensor) -> torch.Tensor:
    """images [N, 112, 112, 3] u8 → normalised patches [N, 64, 588] in window order."""
    x = (images.float() / 255 - MEAN) / STD
    x = x.view(-1, GRID, PATCH, GRID, PATCH, 3).permute(0, 1, 3, 5, 2, 4).reshape(-1, GRID * GRID, 3 * PATCH * PATCH)
    return x[:, ORDER]


def norm(module, x):
    return F.rms_norm(x, (x.shape[-1],), module.weight, module.variance_epsilon)


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


def mlp(module, x):
    return module.down_proj(F.silu(module.gate_proj(x)) * module.up_proj(x))


def vision_forward(visual, patches):
    """patches [N, 64, 588] → last hidden state [N, 64, 128] (window order), merged tokens [N, 16, 192] (raster)."""
    n, config = patches.shape[0], visual.config
    heads = config.num_heads
    x = F.linear(patches, visual.patch_embed.proj.weight.sum(2).flatten(1))
    positions = torch.stack([ORDER // GRID, ORDER % GRID], 1)
    cos, sin = visual.rotary_pos_emb(x, positions)  # [64, head_dim]
    for i, block in enumerate(visual.blocks):
        qkv = block.attn.qkv(norm(block.norm1, x)).view(n, 64, 3, heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = rotate(qkv[0], cos, sin), rotate(qkv[1], cos, sin), qkv[2]
        if i in config.fullatt_block_indexes:
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            fold = lambda t: t.reshape(n, heads * 4, 16, -1)
            y = F.scaled_dot_product_attention(fold(q), fold(k), fold(v)).view(n, heads, 64, -1)
        x = x + block.attn.proj(y.transpose(1, 2).reshape(n, 64, -1))
        x = x + mlp(block.mlp, norm(block.norm2, x))
    merged = visual.merger.mlp(norm(visual.merger.ln_q, x).reshape(n, 16, -1))
    return x, merged[:, UNORDER]


def text_forward(text, x, positions, mask, tap=None, points=None, point_layers=()):
    """x [B, T, H], positions [3, B, T], mask [B, 1, T, T] bool → (normed hidden, hidden after layer `tap`).

    With points [P, 2] of (row, token): also the log attention [P, 3, T] there of the heads of the first key head,
    for each of `point_layers`.
    """
    looks = []
    cos, sin = (t[:, None] for t in text.rotary_emb(x, positions))
    b, t, _ = x.shape
    tapped = None
    for i, layer in enumerate(text.layers):
        a, h = layer.self_attn, norm(layer.input_layernorm, x)
        heads = lambda y: y.view(b, t, -1, a.head_dim).transpose(1, 2)
        q, k, v = heads(a.q_proj(h)), heads(a.k_proj(h)), heads(a.v_proj(h))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        groups = a.num_key_value_groups
        if points is not None and i in point_layers:
            scores = (q[:, :groups] @ k[:, :1].mT * a.scaling).masked_fill(~mask, -torch.inf)
            looks.append(scores[points[:, 0], :, points[:, 1]].log_softmax(-1))
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + a.o_proj(y.transpose(1, 2).reshape(b, t, -1))
        x = x + mlp(layer.mlp, norm(layer.post_attention_layernorm, x))
        if i == tap:
            tapped = x
    if points is not None:
        return norm(text.norm, x), tapped, looks
    return norm(text.norm, x), tapped
