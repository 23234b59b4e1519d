"""What transformers and PEFT make of a case: features, logits, loss, adapter gradients, a greedy continuation."""

import torch

from .adapters import stored_name
from .processing import Inputs, Processor

# Below this gap between the two best tokens, rounding could decide a greedy step.
LEAST_MARGIN = 5e-3


def forward_and_backward(model, inputs: Inputs) -> dict[str, torch.Tensor]:
    """`model` is the PEFT model, or the bare one when the case has no adapter."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    fields = inputs.for_model()
    length = len(inputs.input_ids)
    expected = {"input_ids": inputs.input_ids.int(), "position_ids": inputs.family.positions(base, inputs).int()}
    if inputs.pictures is not None:
        expected["pixel_values"] = inputs.family.stored_pixels(inputs.pictures.fields)
        with torch.no_grad():
            expected |= inputs.family.features(base, inputs.pictures.fields)

    labels = fields["input_ids"].clone()
    labels[:, : inputs.prompt_length] = -100
    model.zero_grad()
    output = model(**fields, labels=labels)
    expected["logits"] = output.logits[0].detach()
    if length == inputs.prompt_length:
        return expected
    expected["loss"] = output.loss.detach().reshape(1)
    if base is not model:
        output.loss.backward()
        expected |= adapter_gradients(model, "grad.")
    return expected


def adapter_gradients(model, prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + stored_name(name): p.grad.clone() for name, p in model.named_parameters() if p.requires_grad}


def greedy(model, processor: Processor, inputs: Inputs, max_new_tokens: int) -> torch.Tensor:
    """Ids of the continuation of the prompt; ends with the end-of-turn token if the model gets there."""
    ids_of = processor.tokenizer.convert_tokens_to_ids
    output = model.generate(
        **inputs.for_model(prompt_only=True),
        do_sample=False,
        max_new_tokens=max_new_tokens,
        suppress_tokens=ids_of(inputs.family.placeholders),
        output_scores=True,
        return_dict_in_generate=True,
    )
    for scores in output.scores:
        best = scores[0].topk(2).values
        assert best[0] - best[1] > LEAST_MARGIN, "a greedy step is too close to call: change the seed"
    generated = output.sequences[0, inputs.prompt_length :]
    # So that a reader who suppresses these as well gets the same continuation.
    assert not set(generated.tolist()) & set(ids_of(inputs.family.other_vision_tokens)), "change the seed"
    return generated.int()
